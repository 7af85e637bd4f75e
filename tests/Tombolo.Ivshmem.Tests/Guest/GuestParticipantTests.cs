// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Linux;
using Tombolo.Testing;

namespace Tombolo.Ivshmem.Tests.Guest;

/// <summary>Which way is chosen, and what is said where there is none. The ways themselves are tested in real guests (Tombolo.System.Tests).</summary>
public sealed class GuestParticipantTests : IDisposable
{
    private const string One = "0000:00:02.0", Two = "0000:00:03.0";
    private const string LoadOurs = "load tombolo.ko and tombolo_window.ko (modprobe tombolo tombolo_window)";
    private readonly FakeSystem _system = new();

    public void Dispose() => _system.Dispose();

    private string Refusal(Func<GuestParticipantOptions, GuestParticipantOptions>? change = null)
    {
        string message = "";
        FdCount.AssertUnchanged(() => message = Should.Throw<IvshmemException>(() => GuestParticipant.Open(change?.Invoke(_system.Options) ?? _system.Options)).Message);
        return message;
    }

    [Fact]
    public void Open_NoDevice_SaysHowToGetOne()
    {
        _system.AddPci(One, device: "0x1000");
        _system.AddPci(Two, vendor: "0x8086");
        Refusal().ShouldBe("This machine has no ivshmem device (PCI 1af4:1110); a guest gets one with QEMU's -device ivshmem-doorbell, which 'tombolo vm stanza' prints.");
    }

    [Fact]
    public void Open_NoSystemFolder_IsNoDevice() => Refusal(options => options with { SystemFolder = "/nowhere" }).ShouldStartWith("This machine has no ivshmem device");

    [Fact]
    public void Open_TwoDevices_AsksWhich()
    {
        _system.AddPci(One);
        _system.AddPci(Two);
        Refusal().ShouldBe($"There are 2 ivshmem devices: {One}, {Two}; say which one.");
        Refusal(options => options with { Device = "0000:00:04.0" }).ShouldBe($"There is no ivshmem device at 0000:00:04.0; there is: {One}, {Two}.");
        Refusal(options => options with { Device = "00:03.0" }).ShouldStartWith($"{Two} has neither");
    }

    [Theory]
    [InlineData(null, null, false, $"{One} has neither a driver nor an IOMMU, which vfio needs: {LoadOurs}, or start the guest with -machine q35 -device intel-iommu,intremap=on before the device.")]
    [InlineData("tombolo", null, false, $"{One} is driven by tombolo.ko, so vfio cannot have it; load tombolo_window.ko (modprobe tombolo_window), which offers its window.")]
    [InlineData("uio_pci_generic", 3, false, $"{One} is driven by uio_pci_generic; unbind it, and {LoadOurs}.")]
    [InlineData(null, 3, false, $"{One} has no driver: {LoadOurs}, or vfio-pci (modprobe vfio-pci vfio_iommu_type1).")]
    [InlineData(null, 3, true, $"vfio-pci did not take {One}; the kernel log says why. Or {LoadOurs}.")]
    public void Open_NoWay_SaysWhyAndTheWayOut(string? driver, int? group, bool hasVfio, string sentence)
    {
        _system.AddPci(One, driver: driver, group: group);
        if (hasVfio) _system.AddDriver("vfio-pci");
        Refusal().ShouldBe(sentence);
    }

    [Fact]
    public void Open_DeviceWithoutDriver_BindsVfio()
    {
        _system.AddPci(One, group: 3);
        _system.AddDriver("vfio-pci");
        _ = Refusal();   // nobody obeys in a folder of files
        (_system.ReadPci(One, "driver_override"), _system.ReadProbed()).ShouldBe(("vfio-pci", One));
    }

    [Fact]
    public void Open_BindingForbidden_LeavesTheDeviceAlone()
    {
        _system.AddPci(One, group: 3);
        _system.AddDriver("vfio-pci");
        Refusal(options => options with { BindsVfio = false }).ShouldStartWith($"{One} has no driver, and vfio-pci may not be bound to it");
        Should.Throw<FileNotFoundException>(() => _system.ReadPci(One, "driver_override"));
    }

    [Fact]
    public void Open_VfioBoundButNotThere_SaysWhatToLoad()
    {
        _system.AddPci(One, driver: "vfio-pci", group: 3);
        Refusal().ShouldMatch($"^{One} cannot be opened through vfio: open /dev/vfio/.*: .*\\([0-9]+\\)\\. ");
    }

    [Fact]
    public void Open_RouteOfOurDriverWithoutIt_DoesNotTryVfio()
    {
        _system.AddPci(One, driver: "vfio-pci", group: 3);
        Refusal(options => options with { Route = GuestRoute.WindowDevice }).ShouldBe($"{One} has no window device: {LoadOurs} after unbinding vfio-pci.");
    }

    [Fact]
    public void Open_WindowNode_IsPreferred()
    {
        _system.AddPci(One, driver: "tombolo", group: 3);
        string node = _system.AddWindowNode(One, "tombolo_window_0002");
        Should.Throw<LinuxException>(() => GuestParticipant.Open(_system.Options)).Message.ShouldBe($"open {node}: No such file or directory (2).");
        Refusal(options => options with { Route = GuestRoute.Vfio }).ShouldContain("so vfio cannot have it");
    }

    [Fact]
    public void Open_NodeThatIsSomethingElse_SaysSo() =>
        Refusal(options => options with { Device = "/dev/null" }).ShouldBe("/dev/null is no window device of tombolo_window.ko (error 25); those are called /dev/tombolo_window_*.");

    [Fact]
    public void Options_Problems_AreNamed()
    {
        new GuestParticipantOptions().Problems().ShouldBeEmpty();
        new GuestParticipantOptions { Device = "", Route = (GuestRoute)9 }.Problems().Count().ShouldBe(2);
        Should.Throw<ArgumentException>(() => GuestParticipant.Open(new() { Device = "/dev/null", Route = GuestRoute.Vfio })).Message.ShouldContain("give a PCI address");
    }
}
