// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using Shouldly;

namespace Tombolo.Machines.Tests;

public sealed class ProcessIdentityTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void IsAlive_ThisProcess_IsTrue() => ProcessIdentity.Of(Environment.ProcessId)!.IsAlive.ShouldBeTrue();

    [Fact]
    public void TryOpen_SameNumberStartedAtAnotherTime_IsNobody()
    {
        ProcessIdentity self = ProcessIdentity.Of(Environment.ProcessId)!;
        (self with { StartTicks = self.StartTicks - 1 }).IsAlive.ShouldBeFalse();
        (self with { StartTicks = self.StartTicks - 1 }).TryOpen().ShouldBeNull();
        (self with { BootId = "another boot" }).TryOpen().ShouldBeNull();
    }

    [Fact]
    public void FromPidFile_ProcessThatWasNotStartedWithIt_IsNobody()
    {
        string path = _folder.Write("qemu.pid", $"{Environment.ProcessId}\n");
        ProcessIdentity.FromPidFile(path).ShouldBeNull();
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("99999999999")]
    [InlineData("4194305")]   // above the kernel's highest process id
    [InlineData("abc\n")]
    public void FromPidFile_Nonsense_IsNobody(string text) => ProcessIdentity.FromPidFile(_folder.Write("qemu.pid", text)).ShouldBeNull();

    [Fact]
    public void FromPidFile_ProcessStartedWithIt_IsFound()
    {
        string path = _folder["qemu.pid"];
        using Process process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "echo; read line", "sh", "-pidfile", path]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        _ = process.StandardOutput.ReadLine();   // its command line is in place
        File.WriteAllText(path, process.Id.ToString(CultureInfo.InvariantCulture));
        ProcessIdentity.FromPidFile(path).ShouldBe(ProcessIdentity.Of(process.Id));
        process.StandardInput.Close();
        process.WaitForExit();
        ProcessIdentity.FromPidFile(path).ShouldBeNull();
    }

    [Fact]
    public void Record_SavedAndLoaded_IsTheSame()
    {
        var record = new MachineRecord(ProcessIdentity.Of(Environment.ProcessId)!, "digest", Acceleration.Tcg, DateTimeOffset.UnixEpoch, 12, 3);
        record.Save(_folder["machine.json"]);
        MachineRecord.TryLoad(_folder["machine.json"]).ShouldBe(record);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"process":{"processId":-5,"startTicks":1,"bootId":"x"},"digest":"","acceleration":"Tcg","startedAt":"2020-01-01T00:00:00Z","consoleOffset":0,"restarts":0}""")]
    public void Record_Nonsense_IsNone(string text) => MachineRecord.TryLoad(_folder.Write("machine.json", text)).ShouldBeNull();
}
