import { isLoopback, SluiceError } from '../../foundation/index.ts';
import { openImages } from '../../promotion/image/registry.ts';
import { given, ok, unchecked, warning } from '../findings.ts';
import type { Patient } from '../patient.ts';
import type { Check } from '../types.ts';

/** No image has this tag: the answer tells whether we are let in, and nothing is downloaded. */
const NO_TAG = 'sluice-doctor';

/** Whether the image registry of a place (`images`, or a service stage) answers, and lets us in to read. */
export function imagesCheck(patient: Patient, place: string): Check {
  return {
    room: 'services',
    title: 'image registry',
    stage: place,
    run: async (signal) => {
      const at = (await patient.services())?.places.get(place);
      if (!at) return unchecked('there are no services in nx.json');
      const services = (await given(patient.projects(), 'package.json cannot be read')).filter(
        ({ pipeline }) => pipeline === 'services',
      );
      const [first] = services;
      if (!first) return unchecked('there are no services here');
      const registry = await openImages(at, patient.context.env);
      try {
        const name = first.project
          .toLowerCase()
          .replaceAll(/[^a-z0-9/]+/g, '-')
          .replaceAll(/^[-/]+|[-/]+$/g, '');
        try {
          await registry.of(name).head(NO_TAG, signal);
        } catch (error) {
          if (!isForbidden(error)) throw error;
          // Registries say the same of what is not there yet and of what is not for us.
          return warning(
            `${at.images} does not let us read ${name}: it is not there before the first publish, or a right is missing (${error.message})`,
            error.next,
          );
        }
        const host = at.images.split('/')[0] ?? '';
        if (registry.credentials) return ok(`${at.images} lets us in as ${registry.credentials.username}`);
        return isLoopback(host)
          ? ok(`${at.images} answers, and asks for no credentials`)
          : warning(
              `${at.images} lets anybody read; there are no credentials for publishing`,
              `docker login ${host} (or set ${at.tokenEnv})`,
            );
      } finally {
        await registry.close();
      }
    },
  };
}

/** Logged in, and kept out: 403, of the registry itself or of its token service. */
function isForbidden(error: unknown): error is SluiceError {
  return (
    error instanceof SluiceError &&
    (error.code === 'IMAGE_RIGHT_MISSING' || error.code === 'IMAGE_CREDENTIALS_REFUSED') &&
    error.details['status'] === 403
  );
}

/** The local profile has a registry of its own for images. */
export function embeddedImagesCheck(): Check {
  return {
    room: 'services',
    title: 'image registry',
    run: async () => ok('starts on this machine when a task needs it'),
  };
}
