/** Properties that several servers have: where an operator wants models to run. */
@NullMarked
package io.ballast.inference.config;

import org.jspecify.annotations.NullMarked;
