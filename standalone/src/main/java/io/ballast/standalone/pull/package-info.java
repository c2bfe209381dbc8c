/** Brings models from elsewhere into the data folder: files, archives, hubs. */
@NullMarked
package io.ballast.standalone.pull;

import org.jspecify.annotations.NullMarked;
