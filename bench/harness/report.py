"""Results as Markdown: for each round-trip time a table of medians, and how farside stands."""
import statistics

from harness import workloads

OURS = ('native', 'farside', 'farside-plain')


def text_of(seconds):
    if seconds < 1e-3:
        return f'{seconds * 1e6:.0f} us'
    return f'{seconds * 1e3:.3g} ms' if seconds < 0.9995 else f'{seconds:.3g} s'


def median(values):
    return statistics.median(values) if values else None


def bound(cell):
    """(seconds, whether it is only a lower bound) of a cell's cold passes; None: not measured."""
    if cell and cell['cold']:
        return statistics.median(cell['cold']), False
    if cell and cell.get('over'):
        return cell['over'], True
    return None


def show(cell):
    if not cell:
        return ''
    known = bound(cell)
    if known is None:
        return 'failed'
    if known[1]:
        return f'> {known[0]:g} s'
    shown = text_of(known[0])
    warm = median(cell['warm'])
    if warm is not None:
        shown += f' ({text_of(warm)})'
    if len(cell['cold']) > 2 and max(cell['cold']) > 1.5 * min(cell['cold']):
        shown += f' [{text_of(min(cell["cold"]))}..{text_of(max(cell["cold"]))}]'
    return shown + (' ≠' if cell.get('differs') else '')


def standing(workload, rtt, cells):
    """How farside compares with the best peer -> dict, or None where either is missing."""
    ours = bound(cells.get('farside'))
    peers = {name: bound(cell) for name, cell in cells.items() if name not in OURS}
    peers = {name: b for name, b in peers.items() if b}
    if ours is None or not peers:
        return None
    exact = {name: b for name, b in peers.items() if not b[1]}
    best = min(exact or peers, key=lambda name: peers[name][0])
    # A peer that was stopped earlier than the best one ended could have been faster only if the
    # limits differed; all have the same one.
    ratio = peers[best][0] / ours[0]
    needed, aim = workload.targets.get(rtt, (workloads.NEVER_WORSE, None))
    if ours[1]:
        verdict = 'open' if peers[best][1] else 'missed'
    elif ratio >= needed:
        verdict = 'met'
    else:
        verdict = 'open' if peers[best][1] else 'missed'
    if aim and ratio >= aim and not ours[1]:
        verdict = 'aim met'
    return {'best': best, 'ratio': ratio, 'at_least': peers[best][1], 'at_most': ours[1],
            'needed': needed, 'aim': aim, 'verdict': verdict}


def ratio_text(s):
    if s['at_least'] and s['at_most']:
        return '?'
    sign = '≥ ' if s['at_least'] else '≤ ' if s['at_most'] else ''
    return f'{sign}{s["ratio"]:.3g}'


def table(rtt, names, peers, by_cell):
    head = ['workload', *peers, 'best / farside', 'needed (aim)', '']
    lines = ['| ' + ' | '.join(head) + ' |',
             '|---|' + '---:|' * len(peers) + '---:|---:|---|']
    for name in names:
        workload = workloads.BY_NAME[name]
        cells = {peer: by_cell.get((rtt, name, peer)) for peer in peers}
        if not any(cells.values()):
            continue
        row = [workload.title, *(show(cells[peer]) for peer in peers)]
        s = standing(workload, rtt, cells)
        if s:
            aim = f' ({s["aim"]:g})' if s['aim'] else ''
            row += [ratio_text(s), f'{s["needed"]:g}{aim}', s['verdict']]
        else:
            row += ['', '', '']
        lines.append('| ' + ' | '.join(row) + ' |')
    return lines


def received(payload, counters):
    """How much came over the link, and which share of it the program asked for."""
    came = counters.get('bytes_received')
    if came is None:
        return ['', '', '']
    ahead = counters.get('prefetch') or {}
    return [f'{came / 1e6:.2f}', f'{100 * payload / came:.0f}%' if payload and came else '',
            ', '.join(f'{ahead[key] / 1e6:.2f}' for key in ('used', 'wasted') if key in ahead)]


def costs(rtt, names, peers, by_cell):
    """What a cold pass cost: round trips where they are counted, processor time, memory."""
    lines = ['| workload | peer | round trips | requests | session calls | hits | received MB '
             '| of it used | ahead: used, wasted MB | program CPU | client CPU | server CPU | client MiB | server MiB |',
             '|---|---|' + '---:|' * 12]
    for name in names:
        for peer in peers:
            cell = by_cell.get((rtt, name, peer))
            used = cell and cell.get('cost')
            if not used or 'cpu' not in used:
                continue
            c = cell.get('counters') or {}
            counts = [str(c.get(key, '')) for key in ('round_trips', 'requests', 'calls', 'hits')]
            counts += received(workloads.BY_NAME[name].payload, c)
            times = [text_of(used[key]) for key in ('cpu', 'client_cpu', 'server_cpu')]
            sizes = [f'{used[key] / 1024:.0f}' for key in ('client_peak_kib', 'server_peak_kib')]
            lines.append('| ' + ' | '.join([name, peer, *counts, *times, *sizes]) + ' |')
    return lines


def warm_lines(rtts, by_cell):
    """Warm repeats inside one process against the native file system."""
    lines = ['| workload | RTT | native warm | farside warm | native / farside |',
             '|---|---:|---:|---:|---:|']
    for name in ('stat_existing', 'stat_missing', 'small_files', 'read_4k', 'random_read'):
        for rtt in rtts:
            pair = [median((by_cell.get((rtt, name, peer)) or {}).get('warm') or [])
                    for peer in ('native', 'farside')]
            if None not in pair:
                lines.append(f'| {name} | {rtt:g} ms | {text_of(pair[0])} | {text_of(pair[1])} | '
                             f'{pair[0] / pair[1]:.2g} |')
    return lines if len(lines) > 2 else []


def markdown(results, chart_name):
    about = results['about']
    by_cell = {(c['rtt_ms'], c['workload'], c['peer']): c for c in results['cells']}
    names, peers, rtts = about['workloads'], about['peers'], about['rtts_ms']
    out = [f'# Benchmark of {about["date"]}, commit {about["commit"]}', '',
           f'Machine: {about["machine"]}. Load average before and after: {about["load_before"]}, '
           f'{about["load_after"]}. {about["versions"]}.',
           f'Command: `{about["command"]}`. Bandwidth: '
           f'{str(about["bandwidth"]) + " MB/s" if about["bandwidth"] else "unlimited"}.',
           'Cold median, warm median in parentheses, [fastest..slowest] where they differ much; '
           f'up to {about["repetitions"]} repetitions, one where a peer is slow; '
           f'"> N s": stopped after N s. '
           '≠: the output is not the native one. `farside-plain` is farside exec with: '
           f'{" ".join(about["plain_flags"]) or "no flags (there are no caches to turn off)"}.',
           f'![chart]({chart_name})', '']
    for rtt in rtts:
        measured = about['links'].get(str(rtt))
        note = f' (a ping through the link: {measured * 1e3:.3g} ms)' if measured else ''
        out += [f'## RTT {rtt:g} ms{note}', '', *table(rtt, names, peers, by_cell), '']
    out += [line for line in ('## Warm, in one process', '', *warm_lines(rtts, by_cell), '')]
    for rtt in rtts:
        out += [f'## What a cold pass costs at RTT {rtt:g} ms', '',
                *costs(rtt, names, peers, by_cell), '']
    if about['failures']:
        out += ['## Failures', '', *(f'- {line}' for line in about['failures']), '']
    return '\n'.join(out)
