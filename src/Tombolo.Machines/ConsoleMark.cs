// SPDX-License-Identifier: MIT
namespace Tombolo.Machines;

/// <summary>The lines by which a guest tells the host how far it is.</summary>
public static class ConsoleMark
{
    /// <summary>The guest is up; followed by its host name.</summary>
    public const string Ready = "TOMBOLO-READY";
    /// <summary>The guest cannot come up; followed by the reason.</summary>
    public const string Failed = "TOMBOLO-FAILED";
    /// <summary>The run script has ended; followed by its exit status.</summary>
    public const string Exit = "TOMBOLO-EXIT";
}
