"""The claims of papers as grids of runs, each with the verdict of its seeds.

python -m experiments.reproduce                  what there is, and what it costs
python -m experiments.reproduce proxy prime      runs two, and writes their tables
python -m experiments.reproduce all --jobs=2     all of RESULTS.md, from nothing
"""
