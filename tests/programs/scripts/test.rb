# Ruby: files, directories, FileUtils, children.
require 'fileutils'
require 'find'
require 'pathname'
require 'tempfile'

ROOT, LOCAL = ENV.values_at('R', 'L')
$stdout.sync = true
def show(*values) = puts(values.map(&:inspect).join(' ').gsub(ROOT, '$R'))
def error_of = (yield; 'no error') rescue "#{$!.class} #{$!.message}"

show File.read("#{ROOT}/notes.txt"), File.readlines("#{ROOT}/table.csv", chomp: true)
File.open("#{ROOT}/numbers.txt", 'r+') do |f|
  show f.seek(-5, IO::SEEK_END), f.read, f.eof?, f.seek(3), f.gets, f.pos, f.pread(4, 0)
  f.rewind
  f.write 'AB'
  f.truncate 20
end
File.write("#{ROOT}/a", 'text')
File.write("#{ROOT}/a", 'more', mode: 'a')
show IO.binread("#{ROOT}/noise.bin", 8, 1000), File.size("#{ROOT}/a"), IO.copy_stream("#{ROOT}/noise.bin", "#{LOCAL}/n")
File.delete("#{LOCAL}/n")
show Dir.children(ROOT).sort, Dir.glob("#{ROOT}/**/*.txt").sort, Dir.exist?("#{ROOT}/dir"), Dir.empty?("#{ROOT}/empty_dir")
show error_of { File.read("#{ROOT}/missing") }, error_of { Dir.mkdir("#{ROOT}/dir") }, error_of { File.read("#{ROOT}/dir") }
%w[notes.txt dir link fifo run.sh].each { |n| s = File.lstat("#{ROOT}/#{n}"); show n, s.ftype, s.mode.to_s(8), s.symlink? }
show File.readlink("#{ROOT}/link"), File.realpath("#{ROOT}/link_to_dir/../up"), File.identical?("#{ROOT}/table.csv", "#{ROOT}/table_too.csv")
FileUtils.mkdir_p "#{ROOT}/x/y"
FileUtils.cp_r "#{ROOT}/names", "#{ROOT}/x"
FileUtils.mv "#{ROOT}/x/names", "#{LOCAL}/names"
FileUtils.mv "#{LOCAL}/names", "#{ROOT}/back"
FileUtils.ln_s 'y', "#{ROOT}/x/z"
FileUtils.rm_rf "#{ROOT}/names"
File.chmod 0o600, "#{ROOT}/a"
File.utime 1, 2, "#{ROOT}/a"
File.rename "#{ROOT}/a", "#{ROOT}/b"
show File.mtime("#{ROOT}/b").to_i, Find.find(ROOT).to_a.sort, Pathname(ROOT).join('dir').children.map(&:to_s).sort
Dir.chdir("#{ROOT}/dir") do
  show Dir.pwd, Dir['*'].sort, `cat sub/deep.txt; pwd`
  system 'ls sub', out: "#{ROOT}/out"
end
show File.read("#{ROOT}/out"), IO.popen(['wc', '-l', "#{ROOT}/numbers.txt"], &:read)
Tempfile.create('t', ROOT) { |f| f.write 'temporary'; f.flush; show File.read(f.path) }
File.open("#{ROOT}/lock", 'w') { |f| show f.flock(File::LOCK_EX), File.open("#{ROOT}/lock") { |g| g.flock(File::LOCK_EX | File::LOCK_NB) } }
pid = fork { File.write("#{ROOT}/child", Dir.pwd.sub(LOCAL, '')) }
Process.wait pid
pid = spawn('cat', in: "#{ROOT}/table.csv", chdir: "#{ROOT}/dir")
Process.wait pid
show $?.exitstatus
