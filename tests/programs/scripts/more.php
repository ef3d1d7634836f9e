<?php
// PHP's files: functions, SPL, streams, includes, locks, and the write-then-rename of template
// caches.
[$root, $local] = [getenv('R'), getenv('L')];
function show(...$values) { global $root, $local; echo str_replace([$root, $local], ['$R', '$L'], implode(' ', array_map(fn($v) => json_encode($v, JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE), $values))), "\n"; }
function error($call) { $r = @$call(); return $r === false ? preg_replace('/^.*: /', '', error_get_last()['message'] ?? '') : $r; }
chdir($root);
show(getcwd(), file('table.csv', FILE_IGNORE_NEW_LINES), count(scandir('dir')), glob('*.{txt,csv}', GLOB_BRACE), realpath('link_to_dir'), basename(__FILE__));
show(file_put_contents('a', 'one'), file_put_contents('a', ' two', FILE_APPEND | LOCK_EX), file_get_contents('a', false, null, 2, 3), copy('a', 'b'), copy('a', "$local/c"), rename("$local/c", 'c'), rename('c', 'dir/c'));
show(is_file('a'), is_dir('dir'), is_link('link'), is_writable('a'), is_executable('run.sh'), filesize('noise.bin'), filetype('fifo'), fileperms('private'), filemtime('table.csv'), stat('table.csv')['nlink'], lstat('link')['size'], readlink('link'), file_exists('dangling'));
show(mkdir('m/n/o', 0750, true), rmdir('m/n/o'), error(fn() => rmdir('dir')), error(fn() => mkdir('dir')), error(fn() => file_get_contents('none')), error(fn() => rename('none', 'x')), error(fn() => unlink('dir')), error(fn() => fopen('dir/x/y', 'w')));
show(touch('t', 5, 6), filemtime('t'), chmod('t', 0600), symlink('a', 's'), link('a', 'h'), unlink('s'), tempnam($root, 'pre') !== false, count(glob('pre*')), array_map('unlink', glob('pre*')), disk_free_space('.') > 0);
// A17: a template cache writes beside the final name and renames over it.
for ($i = 0; $i < 3; $i++) {
    $temporary = "template.php." . uniqid();
    file_put_contents($temporary, "<?php return ['version' => $i, 'file' => basename(__FILE__), 'dir' => __DIR__];");
    rename($temporary, 'template.php');
    clearstatcache();
    show(include 'template.php');
}
file_put_contents('class.php', '<?php class Loaded { const WHERE = __DIR__; }');
spl_autoload_register(fn($c) => require_once strtolower("class.php"));
show(Loaded::WHERE, include_once "$root/class.php", get_include_path(), error(fn() => include 'none.php'));
$f = fopen('rw', 'w+');
show(fwrite($f, "line 1\nline 2\n"), rewind($f), fgets($f), ftell($f), fseek($f, -3, SEEK_END), fread($f, 10), feof($f), ftruncate($f, 4), fstat($f)['size'], fflush($f), flock($f, LOCK_EX | LOCK_NB));
$g = fopen('rw', 'r');
show(flock($g, LOCK_SH | LOCK_NB), flock($f, LOCK_UN), flock($g, LOCK_SH | LOCK_NB), error(fn() => fopen('rw', 'x')), stream_get_meta_data($g)['seekable'], stream_copy_to_stream(fopen('noise.bin', 'r'), $f), fclose($f));
$file = new SplFileObject('table.csv', 'r+');
$file->setFlags(SplFileObject::READ_CSV | SplFileObject::SKIP_EMPTY | SplFileObject::READ_AHEAD);
show(iterator_to_array($file), $file->getSize(), $file->isWritable());
$file->seek(2);
show($file->current(), $file->key());
$all = [];
foreach (new RecursiveIteratorIterator(new RecursiveDirectoryIterator('dir', FilesystemIterator::SKIP_DOTS), RecursiveIteratorIterator::SELF_FIRST) as $path => $info) { $all[$path] = [$info->getSize() * $info->isFile(), $info->isDir(), $info->getPerms() & 0777]; }
ksort($all);
show($all, iterator_count(new DirectoryIterator('.')), count(iterator_to_array(new GlobIterator("$root/n*"))));
$d = opendir('dir'); $n = 0; while (readdir($d) !== false) { $n++; } rewinddir($d); show($n, readdir($d) !== false); closedir($d);
$t = new SplTempFileObject(); $t->fwrite('x'); $t2 = tmpfile(); show(fwrite($t2, 'y'), file_put_contents('php://temp', 'x'), md5_file('noise.bin'), hash_file('sha1', 'notes.txt'));
show(shell_exec('cat table.csv | wc -l'), exec('cat link', $out), count($out), parse_ini_string('a=1'), readfile('dir/sub/deep.txt'), fputcsv($c = fopen('csv', 'w'), ['a b', 'c"d']), fclose($c), file_get_contents('csv'));
$p = proc_open(['cat'], [['file', 'notes.txt', 'r'], ['file', 'po', 'w'], STDERR], $pipes, "$root/dir"); show(proc_close($p), filesize('po'));
file_put_contents('compress.zlib://z.gz', str_repeat('z', 1000)); show(strlen(file_get_contents('compress.zlib://z.gz'))); unlink('z.gz');
