// SPDX-License-Identifier: MIT
namespace Tombolo.Machines;

/// <summary>How a check came out.</summary>
public enum CheckVerdict
{
    /// <summary>As it should be.</summary>
    Ok,
    /// <summary>It works, but less well than it could.</summary>
    Warn,
    /// <summary>It will not work until this is fixed.</summary>
    Fail,
}

/// <summary>One row of what the doctor found.</summary>
/// <param name="Name">What was looked at, a word or two.</param>
/// <param name="Verdict">How it came out.</param>
/// <param name="Finding">What was found, a sentence.</param>
/// <param name="Fix">What to do about it, a sentence; null where there is nothing to do.</param>
public sealed record CheckResult(string Name, CheckVerdict Verdict, string Finding, string? Fix = null);
