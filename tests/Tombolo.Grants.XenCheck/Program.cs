// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Grants;
using Tombolo.Grants.Conformance;
using Tombolo.Grants.XenCheck;
using Tombolo.Store;

// tombolo-xen-check conform first|second PEER     all checks of the conformance suite, with the other domain's half
// tombolo-xen-check count PATH N                  adds 1 to a number in the store N times, and says how often it had to do it again
// tombolo-xen-check shell                         does what each line of its input says, and answers with a line
await using StoreClient store = await StoreClient.ConnectAsync(StoreClientOptions.DevicePath);
using XenDomain domain = await XenDomain.OpenAsync(store);
switch (args)
{
    case ["conform", "first" or "second", string number]:
        return await ConformAsync(args[1] == "first", new(ushort.Parse(number, CultureInfo.InvariantCulture)));
    case ["count", string path, string times]:
        return await CountAsync(path, int.Parse(times, CultureInfo.InvariantCulture));
    case ["shell"]:
        CheckShell shell = new(domain);
        while (Console.ReadLine() is { } line) Console.WriteLine(shell.Do(line));
        return 0;
    default:
        Console.WriteLine("usage: tombolo-xen-check conform first|second PEER | count PATH N | shell");
        return 2;
}

async Task<int> CountAsync(string path, int times)
{
    int tries = 0;
    for (int i = 0; i < times; i++)
        await store.TransactAsync(async all =>
        {
            tries++;
            await all.WriteAsync(path, (int.Parse((await all.ReadAsync(path))!, CultureInfo.InvariantCulture) + 1).ToString(CultureInfo.InvariantCulture));
        });
    Console.WriteLine($"{tries - times} retries");
    return 0;
}

async Task<int> ConformAsync(bool isFirst, DomainId peer)
{
    int failed = 0, at = 0;
    List<StoreLink> links = [];
    foreach (GrantCheck check in GrantChecks.All)
    {
        // A link of its own for each, so that a failure leaves nothing for the next; the one before may still be read by the other side.
        links.Add(await StoreLink.OpenAsync(store, domain.Id, peer, $"check{++at}"));
        if (at > 2) _ = await store.RemoveAsync($"data/check{at - 2}");
        try
        {
            CheckRun.Run(check, isFirst, new CheckSide(domain, peer, links[^1]));
            Console.WriteLine($"ok {check.Name}");
        }
        catch (CheckException exception)
        {
            failed++;
            Console.WriteLine($"not ok {check.Name}: {exception.Message}");
        }
    }
    foreach (StoreLink link in links) link.Dispose();
    Console.WriteLine($"{at - failed} passed, {failed} failed");
    return failed == 0 ? 0 : 1;
}
