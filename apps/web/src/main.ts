import { describeInvoices, type Invoice } from './invoices.ts';

const state = document.querySelector<HTMLElement>('#state');
const list = document.querySelector<HTMLElement>('#invoices');

async function show(): Promise<void> {
  const answer = await fetch('/api/invoices').catch(() => undefined);
  const invoices = answer?.ok ? ((await answer.json()) as Invoice[]) : undefined;
  const { summary, lines } = describeInvoices(invoices);
  if (state) state.textContent = summary;
  list?.replaceChildren(
    ...lines.map((line) => Object.assign(document.createElement('li'), { textContent: line })),
  );
}

document.querySelector('#new')?.addEventListener('submit', (event) => {
  event.preventDefault();
  const form = event.target as HTMLFormElement;
  const { number, amount } = Object.fromEntries(new FormData(form)) as Record<string, string>;
  const lines = [{ description: 'Sundries', quantity: '1 piece', unitPrice: `${amount} EUR`, taxRate: '19' }];
  const body = JSON.stringify({ number, currency: 'EUR', lines });
  void fetch('/api/invoices', { method: 'POST', body, headers: { 'content-type': 'application/json' } })
    .then(async (answer) => {
      if (answer.ok) form.reset();
      await show();
      const problem = answer.ok ? undefined : ((await answer.json()) as { error: string }).error;
      if (problem && state) state.textContent = `Not written: ${problem}`;
    })
    .catch(show);
});

void show();
