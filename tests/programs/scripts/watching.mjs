// node's watchers: fs.watch of directories and files, as an iterator, closed and aborted;
// fs.watchFile, which looks again and again; a file of settings that is loaded anew.
import fs from 'node:fs';
import path from 'node:path';
import { once } from 'node:events';
import { spawn } from 'node:child_process';

const root = process.env.R;
const at = (...names) => path.join(root, ...names);
const show = (...values) => console.log(...values.map((v) => JSON.stringify(v)?.replaceAll(root, '$R')));

// Collects what a watcher tells, and waits until it told something about each of the names.
function told(watcher) {
    const seen = new Set();
    let waiting = () => {};
    watcher.on('change', (event, name) => { seen.add(`${event} ${name}`); waiting(); });
    return (...wanted) => new Promise((resolve) => {
        waiting = () => { if (wanted.every((w) => seen.has(w))) { resolve([...seen].sort()); seen.clear(); } };
        waiting();
    });
}

async function directories() {
    const watcher = fs.watch(at('dir'));
    const until = told(watcher);
    fs.writeFileSync(at('dir/made'), 'x');
    show(await until('rename made', 'change made'));
    fs.renameSync(at('dir/made'), at('dir/moved'));
    show(await until('rename made', 'rename moved'));
    fs.chmodSync(at('dir/two.c'), 0o600);
    show(await until('change two.c'));
    fs.mkdirSync(at('dir/new'));
    fs.rmdirSync(at('dir/new'));
    fs.unlinkSync(at('dir/moved'));
    show(await until('rename new', 'rename moved'));
    spawn('sh', ['-c', 'echo child > made'], { cwd: at('dir') });
    show(await until('rename made', 'change made'));
    watcher.close();
    await once(watcher, 'close');
}

async function files() {
    const watcher = fs.watch(at('notes.txt'), { encoding: 'buffer' });
    const changed = once(watcher, 'change');
    fs.appendFileSync(at('notes.txt'), 'more');
    const [event, name] = await changed;
    show(event, name.toString());
    watcher.close();
    for (const name of ['missing', 'notes.txt/x']) {
        try { fs.watch(at(name)); } catch (error) { show(error.code, error.syscall, error.path); }
    }
    const gone = fs.watch(at('empty_dir'));
    const until = told(gone);
    fs.rmdirSync(at('empty_dir'));
    show(await until('rename empty_dir'));
    gone.close();
}

async function iterated() {
    const abort = new AbortController();
    const found = [];
    const reading = (async () => {
        try {
            for await (const { filename } of fs.promises.watch(at('names'), { signal: abort.signal })) {
                found.push(filename);
                if (filename === 'last') abort.abort();
            }
        } catch (error) { found.push(error.name); }
    })();
    for (const name of ['first', 'second', 'last']) fs.symlinkSync('x', at('names', name));
    await reading;
    show(found);
}

async function polled() {
    const options = { interval: 5 };
    const next = (name) => new Promise((resolve) => fs.watchFile(at(name), options, function once(now, then) {
        fs.unwatchFile(at(name), once);
        resolve([now.size, then.size, now.nlink]);
    }));
    const missing = next('later');
    show(await missing);  // told at once that it is not there
    const grown = next('table.csv');
    const growing = setInterval(() => fs.appendFileSync(at('table.csv'), 'dora,1\n'), 20);
    const [size, before, links] = await grown;
    clearInterval(growing);
    show(size > before, links);
    fs.truncateSync(at('table.csv'), 40);
}

async function settings() {
    fs.writeFileSync(at('settings.json'), '{"n": 0}');
    const server = spawn(process.execPath, ['-e', `
        const fs = require('fs');
        const load = () => { try { console.log(JSON.parse(fs.readFileSync('settings.json')).n); } catch (e) { if (!(e instanceof SyntaxError)) throw e; } };
        fs.watch('.', (event, name) => { if (name === 'settings.json') load(); });
        load();`], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    server.stdout.on('data', (data) => { text += data; });
    const loaded = async (n) => { while (!text.split('\n').includes(`${n}`)) await once(server.stdout, 'data'); return n; };
    show(await loaded(0));
    for (let n = 1; n < 6; n++) {
        if (n % 2) {
            fs.writeFileSync(at('settings.new'), `{"n": ${n}}`);
            fs.renameSync(at('settings.new'), at('settings.json'));
        } else {
            fs.writeFileSync(at('settings.json'), `{"n": ${n}}`);
        }
        show(await loaded(n));
    }
    server.kill();
    show(await once(server, 'exit'));
}

for (const part of [directories, files, iterated, polled, settings]) {
    console.log(`-- ${part.name}`);
    await part();
}
