/** What a load is made of, as its file says it. Plain Java but for the reading of YAML. */
@NullMarked
package io.ballast.loadtest.scenario;

import org.jspecify.annotations.NullMarked;
