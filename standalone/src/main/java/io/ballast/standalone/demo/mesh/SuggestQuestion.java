package io.ballast.standalone.demo.mesh;

/**
 * One question to the policy.
 *
 * @param version pinned; empty: whatever serves
 * @param prompt the text before the cursor
 * @param seed of the draw: the same for two versions, so that they differ by what they learned
 * @param inForce whether the gate decides what is shown; if not it is only asked
 * @param judged whether the mesh is to judge reward and cost on the way, and to block by the cost
 * @param user a pseudonym
 */
public record SuggestQuestion(
    String version, String prompt, long seed, boolean inForce, boolean judged, String user) {}
