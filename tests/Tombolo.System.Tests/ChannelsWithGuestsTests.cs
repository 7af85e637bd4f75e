// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;
using Shouldly;
using Tombolo.Channels;
using Tombolo.Ivshmem;
using Tombolo.Machines;
using Tombolo.Testing;

namespace Tombolo.System.Tests;

/// <summary>The channels of the library, unchanged, between real guests and with the host: over our driver's device and over vfio.</summary>
public sealed class ChannelsWithGuestsTests : IAsyncLifetime, IDisposable
{
    private static readonly string[] _kinds = ["ring", "fanin", "broadcast", "request", "stream"];

    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _watchdog = new(GuestTrial.Watchdog);
    private DoorbellServer _server = null!;

    public Task InitializeAsync()
    {
        _server = DoorbellServer.Start(new() { SocketPath = _folder["bell"], SizeBytes = 1 << 20, Vectors = 4 });
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose()
    {
        _folder.Dispose();
        _watchdog.Dispose();
    }

    private MachineAttachment Attachment => new("bell", _folder["bell"], 4);

    private static string[] Script(string name) => File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Guest", name));

    private MachineOptions WithOurDriver(MachineOptions options) => options with { Attachments = [Attachment], Modules = ["tombolo", "tombolo_window"] };

    // q35 with an IOMMU and none of our modules.
    private MachineOptions WithVfio(MachineOptions options) => options with
    {
        MachineType = "q35",
        Modules = ["vfio-pci", "vfio_iommu_type1"],
        ExtraArguments = ["-device", "intel-iommu,intremap=on", .. QemuCommand.Doorbell(Attachment)],   // the IOMMU must come before the device
    };

    private async Task<string> HostAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "tombolo-exercise"), ["channel", "--count", "300", "--timeout", "120", "--death-after", "60", "--socket", _folder["bell"], .. arguments])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process host = Process.Start(start)!;
        string said = await host.StandardOutput.ReadToEndAsync(_watchdog.Token) + await host.StandardError.ReadToEndAsync(_watchdog.Token);
        await host.WaitForExitAsync(_watchdog.Token);
        host.ExitCode.ShouldBe(0, said);
        return said;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Channels_TwoGuestsAndTheHost_EveryKindPassesEveryMessage(bool secondHasVfio)
    {
        await using var trial = new GuestTrial(_folder);
        Machine one = trial.Start("vm0", ["SIDE=hub HOST=one SELF=yes", .. Script("channels.sh")], change: WithOurDriver);
        Machine two = trial.Start("vm1", ["SIDE=spoke HOST=two", .. Script("channels.sh")], change: secondHasVfio ? WithVfio : WithOurDriver);
        Task<string[]> hosts = Task.WhenAll(HostAsync("--side", "hub", "--name", "one"), HostAsync("--side", "hub", "--name", "two"));
        string[] guests = await Task.WhenAll(GuestTrial.EndedWellAsync(one), GuestTrial.EndedWellAsync(two));   // a guest's console says more than the host's sentence
        (string first, string second) = (guests[0], guests[1]);
        string[] said = await hosts;
        foreach (string kind in _kinds)
        {
            said.ShouldAllBe(text => text.Contains($"{kind} over {_folder["bell"]}: 300 messages", StringComparison.Ordinal));
            first.Split($"{kind} over /dev/tombolo_window_0002: 300 messages").Length.ShouldBe(5, first);   // with vm1, with the host, and both sides of the one with itself
            second.Split($"{kind} over {(secondHasVfio ? "0000:00:01.0 (vfio)" : "/dev/tombolo_window_0002")}: 300 messages").Length.ShouldBe(3, second);
        }
    }

    /// <summary>A program in a guest is killed, then the guest with its successor: the host gets what was committed, learns of both deaths, and the first one's end is taken over.</summary>
    [Fact]
    public async Task Channel_GuestsProgramAndGuestAreKilled_HostLearnsIt_AndASuccessorGoesOn()
    {
        await using var trial = new GuestTrial(_folder);
        using IvshmemClient client = IvshmemClient.Connect(new() { SocketPath = _folder["bell"] });
        using var party = new FabricParty(new IvshmemFabric(client), new() { DeathAfter = TimeSpan.FromSeconds(10) });
        using ChannelArea area = ChannelArea.Open(client.Window, party);
        _ = area.Create("death-ring", new() { CapacityBytes = 1 << 14 });
        using RingConsumer consumer = area.OpenConsumer("death-ring");
        Machine guest = trial.Start("vm0", Script("channel-deaths.sh"), change: WithOurDriver);

        (await TakeAsync(consumer, 0, most: 500)).ShouldBe(500u);
        using (var console = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            await console.ConnectAsync(new UnixDomainSocketEndPoint(guest.Folder.ConsoleSocket), _watchdog.Token);
            _ = await console.SendAsync("kill -9 $(pidof tombolo-exercise)\n"u8.ToArray(), SocketFlags.None);
            _ = await TakeAsync(consumer, 500, most: uint.MaxValue);   // until it is dead
        }
        while (consumer.Producer != PeerState.Open) await Task.Delay(20, _watchdog.Token);
        (await TakeAsync(consumer, 0, most: 500)).ShouldBe(500u);   // the successor counts from 0 again
        guest.Kill().ShouldBeTrue();
        _ = await TakeAsync(consumer, 500, most: uint.MaxValue);
        area.Find("death-ring")!.Ends[1].State.ShouldBe(PeerState.Dead);
        area.Remove("death-ring", force: true).ShouldBeTrue();
    }

    // Takes messages, each with the next number, until there were enough or their sender is dead.
    private async Task<uint> TakeAsync(RingConsumer from, uint next, uint most)
    {
        while (next < most)
        {
            if (TryTake(from, next)) next++;
            else if (await from.WaitForMessageAsync(TimeSpan.FromSeconds(1), _watchdog.Token) == ChannelWait.PeerDied) break;
        }
        return next;
    }

    private static bool TryTake(RingConsumer from, uint number)
    {
        if (!from.TryBorrow(out ReadOnlySpan<byte> message)) return false;
        BinaryPrimitives.ReadUInt32LittleEndian(message[10..]).ShouldBe(number);   // where the exerciser's messages have their number
        from.Release();
        return true;
    }
}
