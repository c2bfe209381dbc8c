/** What an operator may set. */
@NullMarked
package io.ballast.policy.config;

import org.jspecify.annotations.NullMarked;
