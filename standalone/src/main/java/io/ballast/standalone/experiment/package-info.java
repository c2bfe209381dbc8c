/** Claims of papers, measured again with the mesh's own parts: {@code ./mesh experiment}. */
@NullMarked
package io.ballast.standalone.experiment;

import org.jspecify.annotations.NullMarked;
