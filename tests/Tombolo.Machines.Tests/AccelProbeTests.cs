// SPDX-License-Identifier: MIT
using Shouldly;

namespace Tombolo.Machines.Tests;

/// <summary>The probe's judgement with a stand-in for QEMU; the real QEMU is in Tombolo.System.Tests.</summary>
public sealed class AccelProbeTests : IDisposable
{
    private const string Boots =
        """
        #!/bin/sh
        echo run >>"$(dirname "$0")/runs"
        for word; do case $word in file:*) log=${word#file:};; esac; done
        printf 'SeaBIOS\nLinux version 6.1\n' >"$log"
        exec sleep 600
        """;
    private const string Hangs = "#!/bin/sh\nexec sleep 600\n";
    private const string Dies = "#!/bin/sh\nexit 1\n";

    private readonly TemporaryFolder _folder = new();
    private readonly ProcessWatcher _watcher = new();

    public void Dispose()
    {
        _watcher.Dispose();
        _folder.Dispose();
    }

    private AccelProbe Probe(string qemu, string? whyNot = null, TimeSpan? limit = null) =>
        new(_folder.Write("qemu", qemu, executable: true), _folder["state"], _watcher, TimeProvider.System) { WhyNot = () => whyNot, TrialLimit = limit ?? TimeSpan.FromSeconds(30) };

    private Task<AccelChoice> ChooseAsync(AccelProbe probe) => probe.ChooseAsync(_folder.Write("kernel", ""), CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));

    [Fact]
    public async Task Choose_FacilityDoesNotAnswer_IsEmulationWithTheReason() =>
        (await ChooseAsync(Probe(Boots, whyNot: "/dev/kvm cannot be opened: Permission denied")))
            .ShouldBe(new AccelChoice(Acceleration.Tcg, "Emulation (tcg), because /dev/kvm cannot be opened: Permission denied."));

    [Fact]
    public async Task Choose_KernelNamesItself_IsKvm() => (await ChooseAsync(Probe(Boots))).Acceleration.ShouldBe(Acceleration.Kvm);

    [Fact]
    public async Task Choose_KernelNeverSpeaks_IsEmulation()
    {
        AccelChoice choice = await ChooseAsync(Probe(Hangs, limit: TimeSpan.FromMilliseconds(300)));
        choice.ShouldBe(new AccelChoice(Acceleration.Tcg, "Emulation (tcg), because KVM answers but a kernel does not boot with it: no first line within 0.3 s."));
    }

    [Fact]
    public async Task Choose_QemuEndsAtOnce_IsEmulationWithoutWaiting() => (await ChooseAsync(Probe(Dies))).Acceleration.ShouldBe(Acceleration.Tcg);

    [Fact]
    public async Task Choose_SecondTime_ReusesTheResultUntilTheKernelChanges()
    {
        AccelProbe probe = Probe(Boots);
        string kernel = _folder.Write("kernel", "");
        _ = await probe.ChooseAsync(kernel, CancellationToken.None);
        _ = await probe.ChooseAsync(kernel, CancellationToken.None);
        File.ReadAllLines(_folder["runs"]).Length.ShouldBe(1);
        File.SetLastWriteTimeUtc(kernel, DateTime.UnixEpoch);
        _ = await probe.ChooseAsync(kernel, CancellationToken.None);
        File.ReadAllLines(_folder["runs"]).Length.ShouldBe(2);
    }

    [Fact]
    public async Task Choose_Trial_LeavesOnlyItsResult()
    {
        _ = await ChooseAsync(Probe(Boots));
        Directory.GetFiles(_folder["state"]).Select(Path.GetFileName).ShouldBe(["accel.json"]);
    }
}
