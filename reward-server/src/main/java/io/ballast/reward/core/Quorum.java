package io.ballast.reward.core;

/**
 * How many members of one ensemble must answer for a value by one aggregation.
 *
 * @param members the least number, 1 to K
 * @param raised whether it is all of them only because the aggregation leans on the worst
 */
record Quorum(int members, boolean raised) {}
