/** The command against a mesh of the tests' own. */
@NullMarked
package io.ballast.loadtest;

import org.jspecify.annotations.NullMarked;
