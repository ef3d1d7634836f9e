// What node does beyond reading and writing: modules of the target, whole trees, directories in
// pieces, workers, children with odd streams, many operations at once.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { spawn, spawnSync, fork, execSync } from 'node:child_process';
import { createGzip, createGunzip } from 'node:zlib';
import { pipeline } from 'node:stream/promises';
import { createInterface } from 'node:readline';
import { once } from 'node:events';

const root = process.env.R, local = process.env.L;
const at = (...names) => path.join(root, ...names);
const show = (...values) => console.log(...values.map((v) => JSON.stringify(v)?.replaceAll(root, '$R').replaceAll(local, '$L')));
const tree = (of) => fs.readdirSync(of, { recursive: true }).map((n) => String(n)).sort();
const errorOf = async (call) => {
    try { return await call(); } catch (error) { return `${error.code} ${error.syscall} ${error.path} ${error.dest}`; }
};

async function modules() {
    fs.mkdirSync(at('node_modules/pack/lib'), { recursive: true });
    fs.writeFileSync(at('node_modules/pack/package.json'), '{"name": "pack", "main": "lib/main.js", "exports": {".": "./lib/main.js", "./data": "./data.json"}}');
    fs.writeFileSync(at('node_modules/pack/lib/main.js'), 'exports.here = __dirname; exports.again = require("./other").x;');
    fs.writeFileSync(at('node_modules/pack/lib/other.js'), 'exports.x = require("fs").readFileSync(__filename, "utf8").length;');
    fs.writeFileSync(at('node_modules/pack/data.json'), '{"y": 7}');
    fs.writeFileSync(at('a.mjs'), 'import pack from "pack"; import * as b from "./b.mjs"; export default [pack.here, pack.again, b.z, import.meta.url];');
    fs.writeFileSync(at('b.mjs'), 'export const z = (await import("node:fs")).readdirSync(new URL("./names", import.meta.url)).length;');
    show((await import(at('a.mjs'))).default);
    const require = createRequire(at('anything.js'));
    show(require('pack').again, require('pack/data').y, require.resolve('pack'), require(at('dir/../node_modules/pack/data.json')));
    try { require('./missing'); } catch (error) { show(error.code); }
    fs.symlinkSync('node_modules/pack', at('linked'));
    show(require('./linked/lib/other.js').x, spawnSync(process.execPath, ['-e', 'console.log(require("pack").again, process.cwd())'], { cwd: root }).stdout.toString());
    show(execSync(`${process.execPath} ${at('a.mjs')} && ${process.execPath} --check ${at('node_modules/pack/lib/main.js')} && echo checked`).toString());
    fs.rmSync(at('node_modules'), { recursive: true });
}

async function trees() {
    fs.cpSync(at('dir'), at('copied'), { recursive: true, preserveTimestamps: true });
    fs.cpSync(at('dir'), path.join(local, 'names'), { recursive: true });
    fs.cpSync(path.join(local, 'names'), at('back'), { recursive: true, filter: (s) => !s.endsWith('one.c') });
    show(tree(at('copied')), tree(at('back')), fs.statSync(at('copied/two.c')).mtimeMs);
    show(await errorOf(() => fs.promises.cp(at('dir'), at('dir/sub/x'), { recursive: true })));
    show(await errorOf(() => fs.promises.rm(at('dir'))), await errorOf(() => fs.promises.rm(at('none'))), fs.rmSync(at('none'), { force: true }));
    await fs.promises.rm(path.join(local, 'names'), { recursive: true });
    fs.copyFileSync(at('run.sh'), path.join(local, 'run.sh'));
    fs.copyFileSync(path.join(local, 'run.sh'), at('run2.sh'));
    show((fs.statSync(at('run2.sh')).mode & 0o777).toString(8), fs.readFileSync(at('run2.sh')).equals(fs.readFileSync(at('run.sh'))));
    fs.copyFileSync(at('noise.bin'), at('noise2.bin'));
    show(fs.readFileSync(at('noise2.bin')).equals(fs.readFileSync(at('noise.bin'))), await errorOf(() => fs.promises.copyFile(at('dir'), at('x'))));
    fs.rmSync(path.join(local, 'run.sh'));
    const made = await fs.promises.mkdtemp(at('made-'));
    show(path.basename(made).length, await fs.promises.rmdir(made));
    show(await fs.promises.mkdir(at('p/q/r'), { recursive: true }), fs.mkdirSync(at('p/q/r'), { recursive: true }));
    const directory = fs.opendirSync(root, { bufferSize: 2 });
    const names = [];
    for (let entry; (entry = directory.readSync()) !== null;) names.push(`${entry.name}${entry.isDirectory() ? '/' : ''}`);
    directory.closeSync();
    show(names.sort());
}

async function files() {
    const file = await fs.promises.open(at('f'), 'w+');
    show((await file.writev([Buffer.from('one'), Buffer.from('two')])).bytesWritten, await file.datasync(), await file.sync());
    show((await file.readv([Buffer.alloc(2), Buffer.alloc(10)], 1)).bytesRead, await file.truncate(4), (await file.stat({ bigint: true })).size.toString());
    await file.utimes(1, 2);
    await file.chmod(0o600);
    await file.chown(process.getuid(), process.getgid());
    for await (const chunk of file.createReadStream({ start: 0, autoClose: false })) show(chunk.toString());
    await file.close();
    show(await errorOf(() => file.stat()), await errorOf(() => fs.promises.open(at('f'), 'wx')), await errorOf(() => fs.promises.link(at('none'), at('l'))));
    fs.linkSync(at('f'), at('l'));
    fs.lutimesSync(at('link'), 5, 6);
    show(fs.lstatSync(at('link')).mtimeMs, fs.statSync(at('l')).nlink, fs.statfsSync(root).bsize, fs.existsSync(at('dangling')));
    show(fs.statSync(at('none'), { throwIfNoEntry: false }), await errorOf(() => fs.promises.access(at('none'))), await fs.promises.realpath(at('link_to_dir')));
    await pipeline(fs.createReadStream(at('noise.bin')), createGzip(), fs.createWriteStream(path.join(local, 'n.gz')));
    await pipeline(fs.createReadStream(path.join(local, 'n.gz')), createGunzip(), fs.createWriteStream(at('n')));
    show(fs.readFileSync(at('n')).equals(fs.readFileSync(at('noise.bin'))));
    fs.rmSync(path.join(local, 'n.gz'));
    let lines = 0;
    for await (const line of createInterface({ input: fs.createReadStream(at('numbers.txt')) })) lines += line.length > 0;
    show(lines);
    const stream = fs.createWriteStream(at('f'), { flags: 'r+', start: 2 });
    stream.end('END');
    await once(stream, 'close');
    show(fs.readFileSync(at('f'), 'utf8'));
    const missing = fs.createReadStream(at('none'));
    show((await once(missing, 'error'))[0].code);
}

async function crowds() {
    await Promise.all(Array.from({ length: 300 }, async (_, i) => {
        await fs.promises.writeFile(at('dir', `c${i}`), `${i}`);
        await fs.promises.rename(at('dir', `c${i}`), at('dir', `d${i}`));
        await fs.promises.appendFile(at('dir', `d${i}`), '!');
    }));
    show((await fs.promises.readdir(at('dir'))).length, fs.readFileSync(at('dir/d299'), 'utf8'));
    await Promise.all(Array.from({ length: 300 }, (_, i) => fs.promises.unlink(at('dir', `d${i}`))));
    const code = `const fs = require('fs'), { workerData, parentPort } = require('worker_threads');
        for (let i = 0; i < 50; i++) fs.appendFileSync(workerData, 'x');
        parentPort.postMessage(fs.readdirSync(require('path').dirname(workerData)).length > 0);`;
    const workers = Array.from({ length: 4 }, () => new Worker(code, { eval: true, workerData: at('appended') }));
    show(await Promise.all(workers.map((w) => Promise.all([once(w, 'message'), once(w, 'exit')]))));
    show(fs.statSync(at('appended')).size);
    fs.writeFileSync(at('worker.cjs'), 'require("worker_threads").parentPort.postMessage(__dirname)');
    show((await once(new Worker(at('worker.cjs')), 'message'))[0]);
}

async function children() {
    show(spawnSync('touch', ['test.txt'], { cwd: at('empty_dir') }).status, fs.readdirSync(at('empty_dir')));
    show(spawnSync('cat', [at('table.csv')]).stdout.toString(), spawnSync('cat', ['deep.txt'], { cwd: at('link_to_dir') }).stdout.toString());
    show(spawnSync('bash', ['-c', `exec 0<&-; ${process.execPath} -e 'process.stdin.resume(); console.log(require("fs").readFileSync("${at('table.csv')}").length)'`]).stdout.toString());
    const out = fs.openSync(at('out'), 'a');
    const child = spawn('sh', ['-c', 'echo o; echo e >&2; cat <&3'], { stdio: ['ignore', out, out, fs.openSync(at('notes.txt'))], detached: true });
    show(await once(child, 'close'), fs.readFileSync(at('out'), 'utf8'));
    const all = await Promise.all(Array.from({ length: 30 }, async (_, i) => {
        const one = spawn('cat', [at('notes.txt')], { cwd: root });
        let text = '';
        one.stdout.on('data', (d) => { text += d; });
        await once(one, 'close');
        return text.length;
    }));
    show(all);
    fs.writeFileSync(at('child.cjs'), 'process.on("message", (m) => { process.send([m, process.cwd(), require("fs").readdirSync(".").length]); process.disconnect(); })');
    const forks = Array.from({ length: 5 }, (_, i) => fork(at('child.cjs'), { cwd: at('dir') }));
    forks.forEach((f, i) => f.send(i));
    show(await Promise.all(forks.map(async (f) => (await once(f, 'message'))[0])));
}

for (const part of [modules, trees, files, crowds, children]) {
    console.log(`-- ${part.name}`);
    await part();
}
