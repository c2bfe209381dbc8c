/** Publishes display gates that were made of a mesh's own feedback. */
@NullMarked
package io.ballast.standalone.gate;

import org.jspecify.annotations.NullMarked;
