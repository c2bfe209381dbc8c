package io.ballast.orchestrator.core.spec;

/**
 * Texts that the policy goes on to model while it learns from rewards: in every update γ times the
 * mean cross-entropy of their tokens stands beside the loss. Source: Ouyang et al. 2022, PPO-ptx,
 * eq. 2, arXiv:2203.02155.
 *
 * @param rows where they are; the column has the text
 * @param maxBadRows how many rows may be left out, ≥ 0
 * @param coefficient γ, ≥ 0; 0: no term
 * @param textsPerUpdate how many of them, ≥ 1
 * @param maxTokens of each, the first ones, ≥ 2
 */
public record PtxSpec(
    PromptSource.InFile rows,
    long maxBadRows,
    double coefficient,
    int textsPerUpdate,
    int maxTokens) {}
