/** Rewards over HTTP, in the words that trainers know from other reward servers. */
@NullMarked
package io.ballast.reward.http;

import org.jspecify.annotations.NullMarked;
