package io.ballast.orchestrator.core.spec;

import io.ballast.rl.algorithm.Recipe;
import org.jspecify.annotations.Nullable;

/** Reads a recipe alone, in the keys of a run's spec: what a run with them would learn by. */
public final class RecipeReader {
  private RecipeReader() {}

  /**
   * Returns the recipe that {@code tree} says.
   *
   * @param tree maps, lists, texts, numbers and booleans, as a parser gives them; the keys {@code
   *     algorithm}, {@code source}, {@code shaping}, {@code selector}, {@code advantage}, {@code
   *     objective} and {@code kl} of a spec
   * @param responseTokens the most that a completion may have, ≥ 1
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming the key's path
   */
  public static Recipe read(@Nullable Object tree, int responseTokens) {
    SpecNode root = SpecNode.root(tree, RecipeSpecReader.KEYS);
    Recipe recipe =
        RecipeSpecReader.read(root, ConstraintMethod.FIXED_PENALTY, responseTokens).recipe();
    SpecConsistency.requireOneRecipe(recipe);
    return recipe;
  }
}
