import { failWrites } from './write-faults.ts';
console.log(JSON.stringify(await failWrites([{kind: (process.argv[2] ?? 'ENOSPC') as any, forever: process.argv[3]==='f'}], Number(process.argv[4] ?? 10)),null,1));
