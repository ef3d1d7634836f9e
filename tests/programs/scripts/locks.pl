# fcntl(2) and flock(2) from Perl: a child is kept out, and let in when its parent closes the file.
use strict;
use warnings;
use Fcntl qw(:DEFAULT :flock :seek);

my $path = "$ENV{R}/notes.txt";
my $whole = pack 's s x4 q q i x4', F_WRLCK, SEEK_SET, 0, 0, 0;

sub child_says {
    my ($body) = @_;
    my $pid = open(my $out, '-|') // die;
    if (!$pid) { print $body->(); exit }
    my $said = <$out>;
    close $out;
    return $said;
}

sub attempt {
    open(my $file, '+<', $path) or die;
    return fcntl($file, F_SETLK, $whole) ? 'taken' : "refused: $!";
}

open(my $file, '+<', $path) or die;
fcntl($file, F_SETLK, $whole) or die;
print child_says(\&attempt), "\n";
close $file;
print child_says(\&attempt), "\n";
open($file, '+<', $path) or die;
flock($file, LOCK_EX) or die;
print child_says(sub { open(my $f, '<', $path); flock($f, LOCK_SH | LOCK_NB) ? 'shared' : 'held' }), "\n";
flock($file, LOCK_UN);
print child_says(sub { open(my $f, '<', $path); flock($f, LOCK_SH | LOCK_NB) ? 'shared' : 'held' }), "\n";
