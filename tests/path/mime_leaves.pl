# mime_leaves.pl DIRECTORY COUNT - what Email::MIME makes of N.eml: a line for
# each leaf of the tree: N, type, MD5 of the content, file name (in hex); and
# two like it for the subject and the name of the sender.
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use Email::MIME;

sub line {
    my ($n, $kind, $digest, $text) = @_;
    utf8::encode($text);
    print join("\t", $n, $kind, $digest, unpack('H*', $text)), "\n";
}

my ($dir, $count) = @ARGV;
for my $n (0 .. $count - 1) {
    open my $file, '<:raw', "$dir/$n.eml" or die "$n: $!";
    my $wire = do { local $/; <$file> };
    $wire =~ s/^\.//mg;
    my $mail = Email::MIME->new($wire);
    line($n, 'subject', '', $mail->header_str('Subject') // '');
    my ($from) = $mail->header_as_obj('From')->addresses;
    line($n, 'from', '', $from->phrase // '');
    $mail->walk_parts(sub {
        my ($part) = @_;
        return if $part->subparts;
        my ($type) = split /;/, $part->content_type;
        line($n, $type, md5_hex($part->body), $part->filename // '');
    });
}
