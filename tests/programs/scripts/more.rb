# Ruby's FileUtils, Dir, Pathname, Tempfile, IO.copy_stream, locks, libraries of the target.
require 'fileutils'
require 'find'
require 'json'
require 'pathname'
require 'pstore'
require 'tempfile'
require 'tmpdir'
require 'zlib'

R, L = ENV.values_at('R', 'L')
def show(*values) = puts(values.map { |v| v.inspect.gsub(R, '$R').gsub(L, '$L') }.join(' '))
def error = yield.inspect rescue "#{$!.class} #{$!.message}"

top = Pathname(R)
Dir.chdir(R) do
  show(Dir.children('.').sort, Dir['**/*.{c,txt}'].sort, Dir.glob('*', File::FNM_DOTMATCH, base: 'dir').sort, Dir.each_child('names').count)
  FileUtils.cp('notes.txt', 'n'); FileUtils.cp_r('dir', 'd', preserve: true); FileUtils.mv('n', 'd/n'); FileUtils.ln_s('d', 's'); FileUtils.ln('d/n', 'h')
  FileUtils.cp_r('d/.', 'e'); FileUtils.install('run.sh', 'i', mode: 0o700); FileUtils.mkdir_p('a/b/c'); FileUtils.touch(%w[a/t a/b/u], mtime: Time.at(9))
  FileUtils.chmod('u=rw,go=', 'h'); FileUtils.chmod_R(0o755, 'a'); FileUtils.cp_r('d', L); FileUtils.mv("#{L}/d", 'back'); FileUtils.copy_entry('names', 'names2')
  show(FileUtils.compare_file('d/n', 'notes.txt'), FileUtils.uptodate?('h', %w[table.csv]), Dir.empty?('empty_dir'), File.stat('h').nlink, File.lstat('s').symlink?)
  FileUtils.rm_rf('back'); FileUtils.remove_entry_secure('names2'); FileUtils.rmdir('a/b/c', parents: true); FileUtils.rm(Dir['d/*.c'])
  show(error { FileUtils.rm('none') }, error { FileUtils.mkdir('dir') }, error { FileUtils.cp('dir', 'x') }, error { Dir.rmdir('dir') }, error { File.read('dir') })
  show(Find.find('.').select { |p| p.ascii_only? }.sort)
  show(IO.copy_stream('noise.bin', 'n1'), IO.copy_stream('noise.bin', "#{L}/n2", 1000, 5), IO.copy_stream(File.open("#{L}/n2"), File.open('n3', 'w')), File.size('n1'))
  File.open('table.csv', 'r+') { |f| show(f.flock(File::LOCK_EX | File::LOCK_NB), File.open('table.csv') { |g| g.flock(File::LOCK_SH | File::LOCK_NB) }, f.readline, f.pos, f.pread(4, 0), f.seek(-3, :END), f.read, f.truncate(10), f.size) }
  File.write('w', 'abc', mode: 'a'); File.write('w', 'X', 1); show(IO.readlines('notes.txt', chomp: true), IO.binread('noise.bin', 5, 100), File.foreach('numbers.txt').first(2), File.read('w'), IO.sysopen('w') > 2)
  show(File.ftype('fifo'), File.executable?('run.sh'), File.world_readable?('notes.txt'), File.realpath('link_to_dir'), File.expand_path('x'), File.identical?('table.csv', 'table_too.csv'), File.mtime('table_too.csv') > Time.at(0), File.symlink?('dangling'), File.exist?('dangling'))
  show(File.utime(1, 2, 'w'), File.mtime('w'), File.rename('w', 'w2'), File.chmod(0o600, 'w2'), '%o' % File.stat('w2').mode, File.link('w2', 'w3'), File.unlink('w3'), File.mkfifo('ff'), File.ftype('ff'))
  Tempfile.create('t', R) { |t| t.write('x'); t.flush; show(File.size(t.path), File.dirname(t.path)) }
  Dir.mktmpdir(nil, R) { |d| File.write("#{d}/f", 'x'); show(Dir.children(d)) }
  File.write('lib.rb', "module Loaded; WHERE = __dir__; end"); require_relative "#{R}/lib"; load './lib.rb' unless defined?(Loaded); show(Loaded::WHERE, require('./lib'))
  store = PStore.new('store'); store.transaction { store[:k] = [1] }; store.transaction(true) { show(store[:k]) }
  Zlib::GzipWriter.open('g.gz') { |g| g.write('z' * 1000) }; show(Zlib::GzipReader.open('g.gz', &:read).size); File.delete('g.gz', 'store')
  show(IO.popen(%w[cat table.csv], &:read), `wc -l < notes.txt`, system('cat', 'empty', out: 'o', err: %i[child out]), spawn('cat', in: 'notes.txt', out: %w[o2 w]).then { Process.wait(_1) and File.size('o2') })
  show(20.times.map { |i| Thread.new { File.write("t#{i}", i.to_s * 100); File.read("t#{i}").size.tap { File.delete("t#{i}") } } }.sum(&:value))
  pid = fork { File.write('forked', Dir.pwd); exit!(3) }; Process.wait(pid); show($?.exitstatus, File.read('forked'))
  d = Dir.new('dir'); at = d.tell; all = d.children.sort; d.rewind; show(all, d.read.nil?, d.fileno > 2); d.close
  show((top + 'link').readlink, (top + 'd').rmtree.nil?, (top + 'd').exist?, (top / 'e').children.map(&:basename).sort, top.glob('*.csv').map(&:size), top.join('dir/../run.sh').cleanpath)
end
FileUtils.rm_rf(Dir["#{L}/*"])
