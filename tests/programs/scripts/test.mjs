// node's three file interfaces (synchronous, promises, callbacks), streams, and children that run
// in a directory of the target.
import fs from 'node:fs';
import path from 'node:path';
import { spawn, spawnSync, execFileSync, fork } from 'node:child_process';
import { promisify } from 'node:util';
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';

const root = process.env.R, local = process.env.L;
const at = (...names) => path.join(root, ...names);
const show = (...values) => console.log(...values.map((v) => JSON.stringify(v)?.replaceAll(root, '$R')));
const errorOf = (call) => {
    try { call(); } catch (error) { return `${error.code} ${error.syscall} ${error.path}`; }
    return 'no error';
};

function synchronous() {
    show(fs.readFileSync(at('notes.txt'), 'utf8'), fs.readdirSync(root).sort());
    fs.writeFileSync(at('a'), 'written');
    fs.appendFileSync(at('a'), ' and appended');
    fs.copyFileSync(at('a'), at('b'), fs.constants.COPYFILE_EXCL);
    show(errorOf(() => fs.copyFileSync(at('a'), at('b'), fs.constants.COPYFILE_EXCL)));
    fs.renameSync(at('b'), at('dir', 'b'));
    const fd = fs.openSync(at('a'), 'r+');
    const buffer = Buffer.alloc(7);
    show(fs.readSync(fd, buffer, 0, 7, 2), buffer.toString(), fs.writeSync(fd, 'XY', 1));
    fs.ftruncateSync(fd, 10);
    fs.futimesSync(fd, 1000, 2000);
    show(fs.fstatSync(fd).size, fs.fstatSync(fd).mtimeMs);
    fs.closeSync(fd);
    show(fs.readFileSync(at('a'), 'latin1'), fs.existsSync(at('missing')), fs.existsSync(at('dir')));
    show(errorOf(() => fs.readFileSync(at('missing'))), errorOf(() => fs.readFileSync(at('dir'))));
    show(errorOf(() => fs.rmdirSync(at('dir'))), errorOf(() => fs.openSync(at('a'), 'wx')));
    fs.mkdirSync(at('x/y/z'), { recursive: true });
    fs.symlinkSync('../a', at('x', 'link'));
    show(fs.readlinkSync(at('x', 'link')), fs.realpathSync(at('x', 'link')), fs.realpathSync.native(at('link')));
    show(fs.lstatSync(at('x', 'link')).isSymbolicLink(), fs.statSync(at('x', 'link')).isFile());
    for (const entry of fs.readdirSync(at(), { withFileTypes: true }).sort((a, b) => a.name < b.name ? -1 : 1)) {
        show(entry.name, entry.isDirectory(), entry.isSymbolicLink(), entry.isFIFO());
    }
    fs.chmodSync(at('a'), 0o640);
    fs.utimesSync(at('a'), 5, 6);
    show((fs.statSync(at('a')).mode & 0o777).toString(8), fs.statSync(at('a')).mtimeMs);
    fs.accessSync(at('a'), fs.constants.R_OK);
    fs.rmSync(at('x'), { recursive: true });
    fs.cpSync(at('dir'), at('dir2'), { recursive: true });
    fs.cpSync(at('dir/sub'), path.join(local, 'sub'), { recursive: true });
    show(fs.mkdtempSync(at('tmp-')).length - root.length);
    fs.rmdirSync(fs.readdirSync(root).filter((n) => n.startsWith('tmp-')).map((n) => at(n))[0]);
    process.chdir(at('dir'));
    show(process.cwd(), fs.readFileSync('sub/deep.txt', 'utf8'), fs.readdirSync('.').sort());
    process.chdir(local);
}

async function promises() {
    const p = fs.promises;
    await p.writeFile(at('p'), 'promised');
    show(await p.readFile(at('p'), 'utf8'), (await p.stat(at('p'))).size);
    const file = await p.open(at('p'), 'a+');
    await file.write(' more');
    show((await file.read(Buffer.alloc(4), 0, 4, 0)).buffer.toString(), (await file.stat()).size);
    await file.close();
    const all = await Promise.all(Array.from({ length: 100 }, async (_, i) => {
        await p.writeFile(at(`many-${i}`), `${i}`.repeat(i * 10));
        return (await p.readFile(at(`many-${i}`), 'utf8')).length;
    }));
    show(all.reduce((a, b) => a + b), (await p.readdir(root)).length);
    await Promise.all(all.map((_, i) => p.unlink(at(`many-${i}`))));
    const names = [];
    for await (const entry of await p.opendir(at('names'))) names.push(entry.name);
    show(names.sort());
    await p.mkdir(at('q/r'), { recursive: true });
    await p.rename(at('p'), at('q/r/p'));
    await p.rm(at('q'), { recursive: true });
    show(await p.access(at('q')).catch((error) => error.code));
    await p.copyFile(at('noise.bin'), at('copy'));
    const lines = [];
    for await (const line of (await p.open(at('table.csv'))).readLines()) lines.push(line);
    show(lines);
}

async function callbacks() {
    const read = promisify((name, done) => fs.readFile(name, done));
    show(createHash('md5').update(await read(at('noise.bin'))).digest('hex'));
    await promisify(fs.writeFile)(at('c'), 'callback');
    show(await new Promise((done) => fs.stat(at('c'), (error, status) => done([error, status.size]))));
    show(await new Promise((done) => fs.readdir(at('missing'), (error) => done(error.code))));
}

async function streams() {
    const hash = createHash('md5');
    for await (const chunk of fs.createReadStream(at('noise.bin'), { highWaterMark: 7000 })) hash.update(chunk);
    show(hash.digest('hex'));
    await pipeline(fs.createReadStream(at('noise.bin'), { start: 1000, end: 200999 }), fs.createWriteStream(at('s')));
    show(fs.statSync(at('s')).size);
    const out = fs.createWriteStream(at('log'), { flags: 'a' });
    for (let i = 0; i < 1000; i++) out.write(`line ${i}\n`);
    await new Promise((done) => out.end(done));
    show(fs.readFileSync(at('log'), 'utf8').length);
}

async function children() {
    show(spawnSync('sh', ['-c', 'pwd; cat deep.txt'], { cwd: at('dir/sub') }).stdout.toString());
    show(execFileSync('cat', [at('link')], { encoding: 'utf8' }), execFileSync(at('run.sh'), ['x']).toString());
    const child = spawn('cat', [], { cwd: root, stdio: [fs.openSync(at('notes.txt')), 'pipe', 'inherit'] });
    let text = '';
    for await (const chunk of child.stdout) text += chunk;
    show(text);
    const out = fs.openSync(at('out'), 'w');
    await new Promise((done) => spawn('ls', ['dir'], { cwd: root, stdio: ['ignore', out, out] }).on('close', done));
    fs.writeSync(out, 'parent\n');
    show(fs.readFileSync(at('out'), 'utf8'));
    fs.writeFileSync(at('child.mjs'), 'process.send(process.cwd() + process.argv[2])');
    const forked = fork(at('child.mjs'), ['!'], { cwd: at('dir') });
    show(await new Promise((done) => forked.on('message', done)));
    const failed = spawn('cat', [], { cwd: at('missing') });
    show(await new Promise((done) => failed.on('error', (error) => done(error.code))));
}

synchronous();
await promises();
await callbacks();
await streams();
await children();
