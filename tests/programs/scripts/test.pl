# Perl: its own buffered and system calls, directories, tests, in-place editing, children.
use strict;
use warnings;
use Cwd;
use Fcntl qw(:DEFAULT :seek :flock :mode);
use File::Copy qw(copy move);
use File::Find;
use File::Path qw(make_path remove_tree);
use File::Spec;
use IO::File;

my ($root, $local) = @ENV{qw(R L)};
$| = 1;
sub show { my $text = join ' ', map { defined $_ ? $_ : 'undef' } @_; $text =~ s/\Q$root\E/\$R/g; print "$text\n" }

open my $notes, '<', "$root/notes.txt" or die;
while (<$notes>) { chomp; show $., $_ }
seek $notes, 6, SEEK_SET; read $notes, my $four, 4; show $four, tell $notes, eof $notes;
seek $notes, -7, SEEK_END; show scalar <$notes>; seek $notes, 0, 0; seek $notes, 3, SEEK_CUR; show getc $notes;
close $notes;
open my $log, '>>', "$root/log" or die; flock $log, LOCK_EX or die; print $log "one\n"; printf $log "%03d\n", 2; close $log;
open my $both, '+<', "$root/table.csv" or die; my @rows = <$both>; print $both "dora,9\n"; seek $both, 0, 0; print $both 'NAME'; truncate $both, 30; close $both;
show scalar(@rows), -s "$root/table.csv";
my $bytes; sysopen my $raw, "$root/raw", O_RDWR | O_CREAT | O_EXCL, 0600 or die; show syswrite($raw, 'raw bytes'), sysseek($raw, 4, 0), sysread($raw, $bytes, 99), $bytes; close $raw;
show sysopen(my $again, "$root/raw", O_RDWR | O_CREAT | O_EXCL) ? 'opened' : $!;
show open(my $none, '<', "$root/missing") ? 'opened' : $!;
opendir my $dir, $root or die; my @names = readdir $dir; rewinddir $dir; my @again = readdir $dir; closedir $dir;
show sort @names; show "@names" eq "@again";
for my $name (qw(notes.txt dir link fifo run.sh empty dangling missing)) {
    show $name, map { my $t = $_; eval "$t '$root/$name'" ? $t : '' } qw(-e -f -d -l -p -r -w -x -s -z);
}
my @status = lstat "$root/link"; show S_ISLNK($status[2]), readlink "$root/link", (stat "$root/link")[9];
mkdir "$root/new", 0750 or die; show mkdir("$root/new") ? 'made' : $!;
rename "$root/raw", "$root/new/raw" or die; symlink 'raw', "$root/new/soft"; link "$root/new/raw", "$root/new/hard";
chmod 0444, "$root/new/raw"; utime 100, 200, "$root/new/raw"; show((stat "$root/new/soft")[9, 3]);
show unlink("$root/empty", "$root/missing"), rmdir("$root/dir") ? 'removed' : $!;
make_path("$root/a/b/c"); copy("$root/noise.bin", "$root/a/b/noise") or die; move("$root/a/b/noise", "$local/noise") or die;
remove_tree("$root/a"); show -s "$local/noise"; unlink "$local/noise";
my @found; find({ wanted => sub { push @found, $File::Find::name if /\.c$|\.txt$/ }, no_chdir => 0 }, $root); show sort @found;
chdir "$root/dir" or die; show getcwd; show glob('* ../*.sh'); show(File::Spec->rel2abs('sub'), Cwd::realpath('../link'));
{ local ($^I, @ARGV) = ('.bak', 'two.c', '../notes.txt'); while (<>) { s/needle/pin/; print } }
show `cat sub/deep.txt; pwd`; system 'ls', 'sub'; show $?;
open my $pipe, '-|', 'sort', "$root/numbers.txt" or die; my @sorted = <$pipe>; close $pipe; chomp @sorted; show @sorted[0 .. 3], $?;
open my $into, '|-', "cat > $root/piped" or die; print $into "through a pipe\n"; close $into;
open my $shared, '<', "$root/numbers.txt" or die; sysread $shared, my $head, 10; my $pid = fork // die;
if (!$pid) { sysread $shared, my $next, 10; $next =~ tr/\n/,/; show 'child', $next; exec 'head', '-c', '3', "$root/notes.txt" }
waitpid $pid, 0; print "\n"; sysread $shared, my $rest, 10; $rest =~ tr/\n/,/; show 'parent', $rest;
open STDOUT, '>', "$root/stdout"; print "redirected\n"; system 'echo child'; close STDOUT;
