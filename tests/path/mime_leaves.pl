# mime_leaves.pl DIRECTORY COUNT - what Email::MIME makes of N.eml: a line for
# each leaf of the tree: N, type, MD5 of the content, file name (in hex).
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use Email::MIME;

my ($dir, $count) = @ARGV;
for my $n (0 .. $count - 1) {
    open my $file, '<:raw', "$dir/$n.eml" or die "$n: $!";
    my $wire = do { local $/; <$file> };
    $wire =~ s/^\.//mg;
    Email::MIME->new($wire)->walk_parts(sub {
        my ($part) = @_;
        return if $part->subparts;
        my $name = $part->filename // '';
        utf8::encode($name);
        my ($type) = split /;/, $part->content_type;
        print join("\t", $n, $type, md5_hex($part->body), unpack('H*', $name)), "\n";
    });
}
