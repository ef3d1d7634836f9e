"""The results as one SVG: for each round-trip time and workload, the time of every peer as a bar
on a logarithmic scale. Written by hand: a chart needs a few rectangles and labels."""
import math

COLOURS = {'native': '#9a9a9a', 'sshfs': '#e3b04b', 'sshfs-tuned': '#cc8b3c',
           'sshfs-direct': '#a5662a', 'rclone': '#7d9d5b', 'farside': '#2b6cb0',
           'farside-plain': '#90b7dd'}
BAR, GAP, LEFT, WIDTH = 9, 14, 150, 620


def text(x, y, words, size=11, anchor='start', weight='normal'):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
            f'font-weight="{weight}">{words}</text>')


def svg(rtts, names, peers, seconds):
    """seconds(rtt, workload, peer) -> (seconds, whether it is a lower bound), or None."""
    known = [s for r in rtts for n in names for p in peers if (s := seconds(r, n, p))]
    if not known:
        return '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>\n'
    low = math.floor(math.log10(max(min(s for s, _ in known), 1e-6)))
    high = math.ceil(math.log10(max(s for s, _ in known)))

    def across(value):
        part = (math.log10(max(value, 10.0 ** low)) - low) / max(high - low, 1)
        return max(part * WIDTH, 1)

    out, y = [], 24
    for i, peer in enumerate(peers):
        out.append(f'<rect x="{LEFT + 92 * i}" y="{y - 9}" width="10" height="10" '
                   f'fill="{COLOURS[peer]}"/>')
        out.append(text(LEFT + 92 * i + 14, y, peer))
    y += 20
    for rtt in rtts:
        y += 22
        out.append(text(8, y, f'RTT {rtt:g} ms', 14, weight='bold'))
        top = y + 8
        y += 14
        for name in names:
            bars = [(p, s) for p in peers if (s := seconds(rtt, name, p))]
            if not bars:
                continue
            out.append(text(LEFT - 8, y + len(bars) * BAR / 2 + 4, name, anchor='end'))
            for peer, (value, more) in bars:
                length = across(value)
                out.append(f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR - 1}" '
                           f'fill="{COLOURS[peer]}"/>')
                label = f'{"&gt; " if more else ""}{value:.3g} s'
                out.append(text(LEFT + length + 4, y + BAR - 2, label, 8))
                y += BAR
            y += GAP
        for power in range(low, high + 1):
            x = LEFT + across(10.0 ** power)
            out.append(f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{y - 8}" stroke="#ddd"/>')
            out.append(text(x, y + 4, f'{10.0 ** power:g} s', 9, 'middle'))
        y += 12
    height, width = y + 12, LEFT + WIDTH + 70
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            'font-family="sans-serif">\n<rect width="100%" height="100%" fill="white"/>\n' +
            '\n'.join(out) + '\n</svg>\n')
