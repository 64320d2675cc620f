/** The project's documents, the sources that they name and the Javadoc, as a site. */
package io.github.jbatchnorm.site;
