"""Who smiled when? `python examples/who_smiled.py faces.csv`, from what `mien video CLIP --out faces.csv` wrote."""

import csv
import sys

SHORTEST_S, PAUSE_S = 0.5, 0.3  # a shorter smile does not count; a shorter pause does not end one

with open(sys.argv[1], newline="", encoding="utf-8") as file:
    rows = [row for row in csv.DictReader(file) if row["emotion"] == "happiness" and row["ambiguous"] == "false"]

smiles = {}  # track -> the start and end of each smile, in seconds
for row in rows:
    time_s, found = float(row["time_s"]), smiles.setdefault(int(row["track"]), [])
    if not found or time_s - found[-1][1] > PAUSE_S:
        found.append([time_s, time_s])
    found[-1][1] = time_s

for start, end, track in sorted((*smile, track) for track, found in smiles.items() for smile in found):
    if end - start >= SHORTEST_S:
        print(f"face {track} smiled from {start:.2f} s to {end:.2f} s")
