/** What an operator may set. */
@NullMarked
package io.ballast.safety.config;

import org.jspecify.annotations.NullMarked;
