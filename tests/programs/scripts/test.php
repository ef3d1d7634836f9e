<?php
// PHP: its plain file functions, directory iterators, locks, includes, children.
$root = getenv('R');
$local = getenv('L');
function show(...$values) {
    global $root;
    echo str_replace($root, '$R', str_replace('\/', '/', json_encode($values, JSON_INVALID_UTF8_SUBSTITUTE))), "\n";
}
function sorted(array $values) { sort($values); return $values; }

show(file_get_contents("$root/notes.txt"), file("$root/table.csv", FILE_IGNORE_NEW_LINES));
show(file_put_contents("$root/a", 'text'), file_put_contents("$root/a", ' more', FILE_APPEND | LOCK_EX), filesize("$root/a"));
$f = fopen("$root/numbers.txt", 'r+');
show(fgets($f), ftell($f), fseek($f, -5, SEEK_END), fread($f, 100), feof($f), rewind($f), fwrite($f, 'AB'), ftruncate($f, 20), fstat($f)['size']);
show(flock($f, LOCK_EX), flock($f, LOCK_UN), fclose($f));
show(@file_get_contents("$root/missing"), error_get_last()['message'], @mkdir("$root/dir"), @rmdir("$root/dir"), is_dir("$root/dir"));
foreach (['notes.txt', 'dir', 'link', 'fifo', 'run.sh', 'dangling', 'missing'] as $name) {
    $path = "$root/$name";
    show($name, file_exists($path), is_file($path), is_link($path), is_executable($path), @filetype($path), @fileperms($path));
}
show(sorted(scandir($root)), sorted(glob("$root/*.txt")), readlink("$root/link"), realpath("$root/link_to_dir/../up"));
mkdir("$root/x/y/z", 0750, true);
show(copy("$root/noise.bin", "$root/x/noise"), md5_file("$root/x/noise"), rename("$root/x/noise", "$local/noise"), unlink("$local/noise"));
show(rename("$root/a", "$root/x/a"), symlink('a', "$root/x/s"), link("$root/x/a", "$root/x/h"), touch("$root/x/a", 100), chmod("$root/x/a", 0600));
clearstatcache();
show(filemtime("$root/x/a"), stat("$root/x/s")['nlink'], unlink("$root/x/h"), disk_total_space($root) > 0);
$names = [];
foreach (new RecursiveIteratorIterator(new RecursiveDirectoryIterator($root, FilesystemIterator::SKIP_DOTS)) as $path => $entry) $names[] = $path;
show(sorted($names));
chdir("$root/dir");
show(getcwd(), file_get_contents('sub/deep.txt'), shell_exec('pwd; ls'));
file_put_contents("$root/lib.php", '<?php return ["included" => __FILE__, "from" => __DIR__];');
show(include "$root/lib.php", include '../lib.php');
$t = tempnam($root, 't');
show(str_starts_with($t, $root), unlink($t));
exec("wc -l < $root/notes.txt", $lines, $status);
show($lines, $status);
$p = proc_open(['cat'], [['file', "$root/table.csv", 'r'], ['pipe', 'w'], ['file', "$root/err", 'w']], $pipes, "$root/dir");
show(stream_get_contents($pipes[1]), proc_close($p));
copy("$root/table.csv", 'php://stdout');
