package io.ballast.standalone.demo.flow;

import io.ballast.standalone.demo.measure.Ranking.Accuracy;
import java.util.Optional;

/**
 * How well something orders completions of one prompt.
 *
 * @param scorer who orders
 * @param truth by what the order is judged
 * @param served whether the mesh uses it; else it is a baseline to beat
 * @param accuracy empty if no prompt had completions of different worth
 */
public record RankingRow(
    String scorer, String truth, boolean served, Optional<Accuracy> accuracy) {}
