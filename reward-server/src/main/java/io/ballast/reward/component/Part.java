package io.ballast.reward.component;

/**
 * A component in its place.
 *
 * @param name in the composite
 * @param settingsJson as its file has them
 * @param weight the product of the weights of the sums on the way to it; their sum if it stands in
 *     several places
 */
public record Part(
    String name, ComponentKind kind, Component component, String settingsJson, double weight) {}
