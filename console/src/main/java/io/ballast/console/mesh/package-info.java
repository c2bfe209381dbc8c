/** What the console must be given to see a mesh. */
@NullMarked
package io.ballast.console.mesh;

import org.jspecify.annotations.NullMarked;
