// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Machines;
using Tombolo.Mailbox;
using Tombolo.Testing;

namespace Tombolo.System.Tests;

/// <summary>The guest's drivers in real guests, checked from inside by the programs of guest/linux/test.</summary>
public sealed class GuestDriverTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private Task<MailboxFabric> StartMailboxAsync(int clients) =>
        MailboxFabric.StartAsync(new() { Clients = clients, IsSilent = true, Doorbell = new() { SocketPath = _folder["mail"], SizeBytes = 1 << 20 } });

    private Func<MachineOptions, MachineOptions> Attached(int vectors, params string[] arguments) =>
        options => options with { Attachments = [new("mail", _folder["mail"], vectors)], ExtraArguments = arguments };

    /// <summary>One device with mailbox and window at once, sharing all vectors, and one without doorbells.</summary>
    [Fact]
    public async Task Drivers_MailboxAndWindowOnOneDevice_EveryCallEveryErrnoAndTheDeviceGoesAndComes()
    {
        await using MailboxFabric fabric = await StartMailboxAsync(clients: 4);
        await using var trial = new GuestTrial(_folder);
        Machine guest = trial.Start("vm0", ["TYPE=write-back", .. Script("drivers.sh")], ["window_check", "bridge_check"],
            Attached(6, "-object", "memory-backend-ram,id=plain,size=1M,share=on", "-device", "ivshmem-plain,memdev=plain"));
        string console = await GuestTrial.EndedWellAsync(guest);
        Passed(console).ShouldBe(["window calls", "bridge", "plain", "gone", "storm", "bridge again"]);
    }

    /// <summary>Where firmware leaves the memory below 4 GiB and it may not move, it works uncached, and says so.</summary>
    [Fact]
    public async Task Drivers_MemoryThatMayNotMove_IsUncachedAndWorks()
    {
        await using MailboxFabric fabric = await StartMailboxAsync(clients: 4);
        await using var trial = new GuestTrial(_folder);
        Machine guest = trial.Start("vm0", ["TYPE=uncached", .. Script("drivers.sh")], ["window_check", "bridge_check"], options => Attached(6)(options) with { Append = "oops=panic tombolo.move=0" });
        Passed(await GuestTrial.EndedWellAsync(guest)).ShouldBe(["window calls", "bridge"]);
    }

    [Fact]
    public async Task Mail_TwoGuests_EveryByteOfTwoStreamsArrives()
    {
        await using MailboxFabric fabric = await StartMailboxAsync(clients: 4);
        await using var trial = new GuestTrial(_folder);
        Machine[] guests = [.. new[] { "vm0", "vm1" }.Select(name => trial.Start(name, ["OTHER=" + (name == "vm0" ? "vm1" : "vm0"), .. Script("load.sh")], ["mail_load"], Attached(6)))];
        foreach (Machine guest in guests) (await GuestTrial.EndedWellAsync(guest)).ShouldContain(" 0 wrong");
    }

    private static string[] Script(string name) => File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Guest", name));

    private static string[] Passed(string console) => [.. console.Split('\n').Select(static line => line.TrimEnd('\r')).Where(static line => line.Contains("PASSED ", StringComparison.Ordinal)).Select(static line => line[(line.IndexOf("PASSED ", StringComparison.Ordinal) + 7)..])];
}
