"""In which order the cells of a round run."""

from __future__ import annotations


def order_round(cell_count: int, round_index: int) -> list[int]:
    """The cells of one round, so that over the rounds each cell follows each other one equally often.

    Row r of a Williams design: the zigzag 0, 1, n-1, 2, n-2, ... shifted by r modulo n; for an odd n every second n
    rows are read backwards. It is balanced over n rounds for an even n, over 2n for an odd one. For two cells it is
    A B, B A.

    Source: E. J. Williams, Experimental designs balanced for the estimation of residual effects of treatments,
    Australian Journal of Scientific Research A 2 (1949).
    """
    zigzag = [(step + 1) // 2 if step % 2 else (cell_count - step // 2) % cell_count for step in range(cell_count)]
    order = [(cell + round_index) % cell_count for cell in zigzag]
    backwards = cell_count % 2 == 1 and round_index // cell_count % 2 == 1
    return order[::-1] if backwards else order
