package io.ballast.inference.scoring;

/**
 * What a catalog's models are called, by callers and operators.
 *
 * @param noun one of them, such as {@code reward ensemble}
 * @param field of requests, such as {@code reward_model}
 * @param defaultModel the model that is meant when a request names none
 * @param servingVersion where the alias "serving" of the default model points; of another model it
 *     is the newest version
 * @param modelProperty where an operator sets the default model
 * @param versionProperty where an operator sets its version
 */
public record CatalogNames(
    String noun,
    String field,
    String defaultModel,
    String servingVersion,
    String modelProperty,
    String versionProperty) {}
