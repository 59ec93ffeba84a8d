CREATE TABLE reprise_meta (name text primary key, value integer not null) strict, without rowid;

create table reprise_records (
  bucket integer not null,
  id text not null,
  state text not null,
  name text not null,
  due_at integer,
  record text not null,
  body any
) strict;
create index reprise_records_bucket on reprise_records (bucket);
create index reprise_records_due on reprise_records (due_at) where due_at is not null;
create index reprise_records_open on reprise_records (state) where due_at is null;
insert into reprise_meta (name, value) values ('fence_floor', 0);

delete from reprise_meta;

insert into reprise_meta (name, value) values ('fence_floor', 0);

insert into reprise_meta (name, value) values ('schema', 1);

insert into reprise_records (bucket, id, state, name, due_at, record, body) values (487562552168105, 'V2Q7ktcRGh8IC0dh4zPPMBfyU7G3Gut9Yk041SIbxs8', 'completed', 'written', 4949117308187, '[1,"completed","written","v1.POST.vDa1JP.NF4GY1.jt5xEbZ.HlCmHkX_nEEmYsGOXdxLvm3J7DXtvzwUAgIkydKAZ8c","guarded",1,"a-SImJQWnBBJ01bYSXdaUw",1,1795517308166,1795517308187,4949117308187,8102717308187,201,[["content-type","application/json"],["location","/orders/1"]],1]', '{"id":1,"sku":"A-1"}');

insert into reprise_records (bucket, id, state, name, due_at, record, body) values (1833143675958445, 'BCj9M5dndqmbFSnQlvV4Sekor_v3Rn1ZC0rkbfIwQgc', 'completed', 'written', 4949117308214, '[1,"completed","written","v1.POST.zXJ2at.NF4GY1.jEY1PPq.XTAjFRgif_C5PQyowFrfysHYpztzXlSTDzSG4rf0o5o","guarded",1,"VwNiWJpUxK44xGmvvsz6Dw",1,1795517308203,1795517308214,4949117308214,8102717308214,201,[["content-type","application/json"],["location","/orders/1"]],1]', '{"id":1,"sku":"A-1"}');

insert into reprise_records (bucket, id, state, name, due_at, record, body) values (1881273803191179, 'iqn7twJapSeYZXBUoq8CFAQMi4tRZ8ZyUTtH7EUG5xo', 'completed', 'written', 4949117308239, '[1,"completed","written","v1.PUT.IPX3J7.qGIF7f.fDOgqBH.ygMPWWJoP25iX_3YXjGBu6D9h_3XVAQXu5oP-7bN0ps","guarded",1,"SX5OkZ-TYxUTsnjgLztb3A",1,1795517308228,1795517308239,4949117308239,8102717308239,200,[["content-type","text/plain;charset=UTF-8"]],1]', 'saved');

insert into reprise_records (bucket, id, state, name, due_at, record, body) values (2365518522531182, 'M3tLfZDmC0oJEev9ciJX9jKN4ta6eXDi4AsZ61II698', 'completed', 'written', 4949117308262, '[1,"completed","written","v1.PATCH.KlyZc8.5a9Yqm.rI5FKg8.WYbQXD-0x-WR9xQHZkYmteTO-bPE2eZGuZQG3MeyfEc","guarded",1,"XQA0u_tUTx4QtSOBKHwsnQ",1,1795517308255,1795517308262,4949117308262,8102717308262,200,[],1]', x'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff');

insert into reprise_records (bucket, id, state, name, due_at, record, body) values (1855192292462366, 'U42xN2cvqFAIWTqHoYHZV941ZWCmNdmKVCNpCcNDU2I', 'completed', 'written', 4949117308273, '[1,"completed","written","v1.DELETE.g7dGwl.5a9Yqm.e47DEQp.LBE2ThDCieJoccbw7mJT6h9bgVGjNTfx5RX44oVEhQs","guarded",1,"ovIB7GA5hI9L77lHikGSMg",1,1795517308266,1795517308273,4949117308273,8102717308273,204,[],1]', null);

insert into reprise_records (bucket, id, state, name, due_at, record, body) values (3809049689157142, 'hDX1PcD_hywcecT76az6mkEicjfD7hHvcwRyanNjL0Y', 'completed', 'written', 4949117308280, '[1,"completed","written","v1.POST.7-r16F.NF4GY1.jcKay8R.x6dcXFCVp65jqtdxIqpIiQxyYcRBo496LTIjxzj9LLI","guarded",1,"32rLmLQOi9b0X3150DhQ8A",1,1795517308276,1795517308280,4949117308280,8102717308280,404,[["content-type","application/json"]],1]', '{"error":"no such sku"}');

insert into reprise_records (bucket, id, state, name, due_at, record, body) values (488664523036342, 'AO5fyPcNjgaVLV3eoMm8woRJKplmw5eGDIFezNsbH20', 'released', 'written', 8102717308305, '[1,"released","written","v1.POST.ZK1Pws.NF4GY1.j_qMtch.nWi3x6zZKBPtHYl4yrLzHeNzz0OX6zdlGTQ4ktt3ZyM","guarded",1,"IiA3UO6cbbQ84CMD7FchSA",1,1795517308291,1795517308305,8102717308305,[]]', null);

insert into reprise_records (bucket, id, state, name, due_at, record, body) values (3683860226745929, 'tgcaUQZMlpKQhabXZoiZMUSLP3-FyaICKtKfwgY2AQU', 'unknown', 'written', null, '[1,"unknown","written","v1.POST.1VNmN-.NF4GY1.jkU1i9n.EbIasvzTRqHmxyMjot1It9-wL3OxXASJPTpF5uTviho","guarded",1,"UZd9tFtIdIuYnS1YGqJxvg",1,1795517308318,1795517308322,"handler-failed"]', null);

insert into reprise_records (bucket, id, state, name, due_at, record, body) values (4159401198740517, '-jdQR0dUAyFQtj4g5bFk2xPyYWTbyiDiggekkyD0CIo', 'expired', 'written', 4949117309340, '[1,"expired","written","v1.POST.3Nf8E4.NF4GY1.j6J7jTc.LwOyTQ4K5_LjwkC31fLKcAqcFN3KuCZtjmkOUXIr1u4","guarded",1,"ySg8k3sHg48kMXsILCX7HQ",1,1795517308331,1795517309340,4949117309340,201]', null);
