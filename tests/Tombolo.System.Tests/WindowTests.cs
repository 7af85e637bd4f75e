// SPDX-License-Identifier: MIT
using System.Diagnostics;
using Shouldly;
using Tombolo.Ivshmem;
using Tombolo.Machines;
using Tombolo.Mailbox;
using Tombolo.Testing;

namespace Tombolo.System.Tests;

/// <summary>C# programs in real guests, on the bare memory and doorbells of their devices: every byte is checked on both sides.</summary>
public sealed class WindowTests : IAsyncLifetime, IDisposable
{
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

    private Task<string> HostSwapsAsync(params string[] arguments) => ExerciseAsync(["swap", "--side", "first", "--socket", _folder["bell"], "--timeout", "120", .. arguments]);

    private async Task<string> ExerciseAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "tombolo-exercise"), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process host = Process.Start(start)!;
        string said = await host.StandardOutput.ReadToEndAsync(_watchdog.Token) + await host.StandardError.ReadToEndAsync(_watchdog.Token);
        await host.WaitForExitAsync(_watchdog.Token);
        host.ExitCode.ShouldBe(0, said);
        return said;
    }

    private static string[] Script(string name) => File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Guest", name));

    [Fact]
    public async Task Window_TwoGuestsAndTheHost_BlocksGoToAndFro()
    {
        await using var trial = new GuestTrial(_folder);
        Machine one = trial.Start("vm0", ["SIDE=first", .. Script("swap.sh")], change: options => options with { Attachments = [Attachment] });
        Machine two = trial.Start("vm1", ["SIDE=second HOST=yes", .. Script("swap.sh")], change: options => options with { Attachments = [Attachment] });
        (await HostSwapsAsync("--at", "131072", "--count", "500", "--size", "10000")).ShouldContain("500 rounds of 10000 bytes");
        foreach (Machine guest in new[] { one, two })
        {
            string console = await GuestTrial.EndedWellAsync(guest);
            console.ShouldContain("/dev/tombolo_window_0002: 1048576 bytes; mapped write-back, behaves write-back");
            console.ShouldContain("500 rounds of 4096 bytes over /dev/tombolo_window_0002");
            console.ShouldNotContain("warning:");
        }
    }

    /// <summary>q35 with an IOMMU and none of our modules.</summary>
    [Fact]
    public async Task Window_GuestWithoutOurModules_VfioIsChosenAndGivesTheDeviceBackWhenAsked()
    {
        await using var trial = new GuestTrial(_folder);
        Machine guest = trial.Start("vm0", Script("vfio.sh"), change: options => options with
        {
            MachineType = "q35",
            Modules = ["vfio-pci", "vfio_iommu_type1"],
            ExtraArguments = ["-device", "intel-iommu,intremap=on", .. QemuCommand.Doorbell(Attachment)],   // the IOMMU must come before the device
        });
        _ = await HostSwapsAsync("--at", "65536", "--count", "500");
        string console = await GuestTrial.EndedWellAsync(guest);
        console.ShouldContain("0000:00:01.0 (vfio): 1048576 bytes; mapped uncached");
        console.ShouldContain("warning: The kernel mapped the window uncached");
        console.ShouldContain("500 rounds of 4096 bytes over 0000:00:01.0 (vfio)");
        console.ShouldContain("Another process has the device, and vfio gives it to one at a time");
        console.ShouldContain("tombolo-exercise: The device is gone.");
        console.ShouldContain("BACK without a driver: 0");
    }

    /// <summary>The mailbox of the C# library, which hosts use, in a guest: without the driver's own.</summary>
    [Fact]
    public async Task Mailbox_OfTheLibraryInAGuest_AnswersTheHost()
    {
        await using MailboxFabric fabric = await MailboxFabric.StartAsync(new() { Clients = 4, Doorbell = new() { SocketPath = _folder["mail"], SizeBytes = 1 << 16 } });
        await using var trial = new GuestTrial(_folder);
        Machine guest = trial.Start("vm0", ["exec tombolo-exercise serve --device $(ls /dev/tombolo_window_*) --name guest --streams 1"],
            change: options => options with { Attachments = [new("mail", _folder["mail"], 6)], Modules = ["tombolo", "tombolo_window"] });
        string said = await ExerciseAsync("bloop", "guest", "--socket", _folder["mail"], "--echo", "--size", "16-300", "--count", "500", "--patience", "200", "--timeout", "60");
        said.ShouldContain("clean after");
        (await GuestTrial.EndedWellAsync(guest)).ShouldContain("clean after");
    }

    [Fact]
    public async Task Window_UnpluggedUnderAWaitingProgram_ItEndsInOrder_AndANewDeviceWorks()
    {
        await using var trial = new GuestTrial(_folder);
        Machine guest = trial.Start("vm0", Script("unplug.sh"), change: options => options with { Attachments = [Attachment], ExtraArguments = QmpLine.Arguments(_folder["qmp"]) });
        await SaysAsync(guest, "WAITING");
        using (QmpLine qmp = await QmpLine.ConnectAsync(_folder["qmp"], _watchdog.Token))
        {
            await qmp.DoAsync("""{"execute":"device_del","arguments":{"id":"doorbell-bell"}}""", _watchdog.Token);
            await qmp.HearAsync("DEVICE_DELETED", _watchdog.Token);
            await SaysAsync(guest, "GONE");
            await qmp.DoAsync("""{"execute":"chardev-remove","arguments":{"id":"doorbell-bell"}}""", _watchdog.Token);   // else the next notice of the server kills QEMU 7.2: its handler is freed, the connection is not
            using (IvshmemClient clean = IvshmemClient.Connect(new() { SocketPath = _folder["bell"] })) clean.Window.View(65536, 65536).Clear(0, 65536);   // what the first program left
            await qmp.DoAsync(
                """{"execute":"chardev-add","arguments":{"id":"again","backend":{"type":"socket","data":{"addr":{"type":"unix","data":{"path":"PATH"}},"server":false}}}}""".Replace("PATH", _folder["bell"], StringComparison.Ordinal), _watchdog.Token);
            await qmp.DoAsync("""{"execute":"device_add","arguments":{"driver":"ivshmem-doorbell","id":"again","vectors":"4","chardev":"again"}}""", _watchdog.Token);
        }
        _ = await HostSwapsAsync("--at", "65536", "--count", "100");
        string console = await GuestTrial.EndedWellAsync(guest);
        console.ShouldContain("tombolo-exercise: The device is gone.");
        console.ShouldContain("100 rounds of 4096 bytes over /dev/tombolo_window_");
    }

    private async Task SaysAsync(Machine guest, string word)
    {
        await foreach (ConsoleLine line in ConsoleLog.FollowAsync(guest.Folder.ConsoleLog, 0, _watchdog.Token))
        {
            if (line.Text.Contains(word, StringComparison.Ordinal)) return;
            Machine.FindRunning(guest.Folder).ShouldNotBeNull(GuestTrial.ConsoleOf(guest));
        }
    }
}
