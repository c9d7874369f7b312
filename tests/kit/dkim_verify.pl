#!/usr/bin/perl
# dkim_verify.pl RECORDS FILE...: what Mail::DKIM says of each file's
# signatures, a line a file ("pass pass"). RECORDS: lines of a name and a TXT
# record, the only answers that the DNS gives.
use strict;
use warnings;
use Mail::DKIM::Verifier;

my %records;
open my $in, '<', shift or die;
while (<$in>) {
    chomp;
    my ($name, $text) = split / /, $_, 2;
    $records{$name} = $text;
}
close $in;

# As much of Net::DNS as Mail::DKIM asks for.
package Answer;
sub new { return bless {text => $_[1]}, $_[0] }
sub type { return 'TXT' }
sub txtdata { return $_[0]{text} }

package Reply;
sub new { return bless {answers => $_[1]}, $_[0] }
sub answer { return @{$_[0]{answers}} }
sub header { return $_[0] }
sub rcode { return 'NOERROR' }

package Resolver;
sub new { return bless {}, $_[0] }
sub send {
    my $text = $records{$_[1]};
    return Reply->new([defined $text ? Answer->new($text) : ()]);
}

package main;
Mail::DKIM::DNS::resolver(Resolver->new);
for my $path (@ARGV) {
    my $dkim = Mail::DKIM::Verifier->new;
    open my $mail, '<:raw', $path or die;
    local $/;
    $dkim->PRINT(<$mail>);
    $dkim->CLOSE;
    print join(' ', map { $_->result } $dkim->signatures), "\n";
}
