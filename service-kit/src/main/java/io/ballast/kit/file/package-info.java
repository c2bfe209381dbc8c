/** Files and folders of a server's own. */
@NullMarked
package io.ballast.kit.file;

import org.jspecify.annotations.NullMarked;
