"""How far two texts are from one another."""


def edit_distance(first: str, second: str) -> int:
    """Count the fewest characters to insert, delete or replace that make one text of the other (Levenshtein).

    All of a column of the table at once, as bits of a whole number: H. Hyyrö, "A bit-vector algorithm for computing
    Levenshtein and Damerau edit distances", Nordic Journal of Computing 10 (2003), figure 3. Texts of 2,000 characters
    take a few milliseconds.
    """
    if not first or not second:
        return len(first) + len(second)
    places: dict[str, int] = {}
    for place, character in enumerate(first):
        places[character] = places.get(character, 0) | 1 << place
    every, last = (1 << len(first)) - 1, 1 << len(first) - 1
    rises, falls, distance = every, 0, len(first)  # where the column grows and shrinks by 1 from row to row
    for character in second:
        equal = places.get(character, 0)
        level = (((equal & rises) + rises) ^ rises) | equal | falls
        grows, shrinks = falls | ~(level | rises) & every, level & rises
        distance += bool(grows & last) - bool(shrinks & last)
        grows, shrinks = (grows << 1 | 1) & every, shrinks << 1 & every
        rises, falls = shrinks | ~(level | grows) & every, grows & level
    return distance
