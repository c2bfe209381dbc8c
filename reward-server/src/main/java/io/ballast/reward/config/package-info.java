/** What an operator may set. */
@NullMarked
package io.ballast.reward.config;

import org.jspecify.annotations.NullMarked;
