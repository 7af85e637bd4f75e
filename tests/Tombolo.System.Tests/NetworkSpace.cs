// SPDX-License-Identifier: MIT
using System.Diagnostics;
using Shouldly;
using Tombolo.Testing;

namespace Tombolo.System.Tests;

/// <summary>A network namespace of this host, which lives as long as this object does: nothing of the host's own network is touched.</summary>
internal sealed class NetworkSpace : IDisposable
{
    private static readonly TimeSpan _watchdog = TimeSpan.FromMinutes(2);
    private readonly Child _holder;

    public NetworkSpace()
    {
        Environment.IsPrivilegedProcess.ShouldBeTrue("a network namespace needs root");
        _holder = new("unshare", "--net", "sh", "-c", "ip link set lo up; echo ready; read -r end");   // it lives as long as the process in it
        _holder.ReadLine().ShouldBe("ready");
    }

    /// <summary>Its file.</summary>
    public string Path => $"/proc/{_holder.Id}/ns/net";

    /// <summary>Runs a program in it to the end.</summary>
    /// <returns>What it says.</returns>
    public string Run(params string[] words) => Said(["nsenter", $"--net={Path}", .. words]);

    /// <summary>Starts a program in it.</summary>
    public Child Start(params string[] words) => new("nsenter", [$"--net={Path}", .. words]);

    /// <summary>Gives an interface an address, and takes it into service.</summary>
    public void SetUp(string device, string address)
    {
        Run("ip", "addr", "add", address, "dev", device).ShouldBe("");
        Run("ip", "link", "set", device, "up").ShouldBe("");
    }

    /// <summary>Runs a program to the end.</summary>
    /// <returns>What it says, errors last.</returns>
    public static string Said(params IReadOnlyList<string> words)
    {
        using Process process = Process.Start(new ProcessStartInfo(words[0], words.Skip(1)) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string said = process.StandardOutput.ReadToEnd();
        process.WaitForExit(_watchdog).ShouldBeTrue();
        return said + errors.Result;
    }

    public void Dispose() => _holder.Dispose();
}
