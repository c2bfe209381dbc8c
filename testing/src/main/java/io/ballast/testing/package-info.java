/** What the tests of several modules share: never on the class path of a program. */
@NullMarked
package io.ballast.testing;

import org.jspecify.annotations.NullMarked;
