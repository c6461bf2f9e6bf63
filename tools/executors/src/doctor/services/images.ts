import { openImages } from '../../promotion/image/registry.ts';
import { isLoopback } from '../../registry/oci/index.ts';
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
        await registry.of(name).head(NO_TAG, signal);
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

/** The local profile has a registry of its own for images. */
export function embeddedImagesCheck(): Check {
  return {
    room: 'services',
    title: 'image registry',
    run: async () => ok('starts on this machine when a task needs it'),
  };
}
