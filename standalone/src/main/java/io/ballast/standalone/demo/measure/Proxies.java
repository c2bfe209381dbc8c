package io.ballast.standalone.demo.measure;

/**
 * What the learned judges think of a version's suggestions, beside the truth: where the first go up
 * and the second does not, the judges were hacked.
 *
 * @param reward mean of the served reward
 * @param cost mean harm probability by the model that the run optimised against
 * @param accepted true share accepted as written, in percent
 * @param breaking true share after which the file no longer parses, in percent
 * @param kept mean of characters kept, right beginnings included
 * @param length mean characters of a suggestion
 */
public record Proxies(
    Interval reward,
    Interval cost,
    Interval accepted,
    Interval breaking,
    Interval kept,
    Interval length) {}
